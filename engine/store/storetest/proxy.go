package storetest

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
)

// Fate is what a proxy does with a COMMIT.
type Fate int

// The fates.
const (
	Pass      Fate = iota
	LoseReply      // the server commits; the client's link breaks instead of the answer
	LoseOrder      // the link breaks before the server hears of it
	HoldReply      // the server commits; the client hears nothing, the link stays
	HoldOrder      // the server hears nothing, the link stays
)

// Proxy passes a MySQL connection's packets on and knows which is a COMMIT.
type Proxy struct {
	upstream string
	listener net.Listener
	wait     sync.WaitGroup

	mu      sync.Mutex
	fate    func(n int) Fate
	commits int
	frozen  chan struct{} // closed by Thaw; nil = not frozen
	links   map[*link]bool
	closed  bool
}

type link struct {
	client, server net.Conn
	done           chan struct{}
	once           sync.Once

	mu    sync.Mutex
	reply Fate // of the COMMIT whose answer comes next
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		l.client.Close()
		l.server.Close()
	})
}

// NewProxy listens on a free port of the loopback for connections to upstream,
// HOST:PORT.
func NewProxy(upstream string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{upstream: upstream, listener: listener, links: map[*link]bool{}}
	p.wait.Go(p.accept)
	return p, nil
}

// Upstream is HOST:PORT of a MySQL state address.
func Upstream(state string) string {
	rest := state[strings.LastIndex(state, "@")+1:]
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// Through is the state address by way of the proxy.
func (p *Proxy) Through(state string) string {
	return strings.Replace(state, "@"+Upstream(state)+"/", "@"+p.listener.Addr().String()+"/", 1)
}

// OnCommit sets who decides over each COMMIT; n counts them from 1, over all
// links. nil = all pass.
func (p *Proxy) OnCommit(fate func(n int) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate, p.commits = fate, 0
}

// Freeze makes all links half-open: nothing passes in either direction, nothing
// is closed. New ones freeze, too.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = make(chan struct{})
	}
}

// Thaw ends Freeze; what was held passes now.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

// Cut breaks all links.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := p.links
	p.links = map[*link]bool{}
	p.mu.Unlock()
	for l := range links {
		l.close()
	}
}

// Close ends the proxy and all its links.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.listener.Close()
	p.Thaw()
	p.Cut()
	p.wait.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.upstream)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{client: client, server: server, done: make(chan struct{})}
		p.mu.Lock()
		closed := p.closed
		p.links[l] = true
		p.mu.Unlock()
		if closed {
			l.close()
			return
		}
		p.wait.Go(func() { defer l.close(); p.orders(l) })
		p.wait.Go(func() { defer l.close(); p.replies(l) })
	}
}

// pass waits while the proxy is frozen, and says whether the link is still there.
func (p *Proxy) pass(l *link) bool {
	p.mu.Lock()
	frozen := p.frozen
	p.mu.Unlock()
	if frozen == nil {
		return true
	}
	select {
	case <-frozen:
		return true
	case <-l.done:
		return false
	}
}

// orders carries whole packets from the client to the server.
func (p *Proxy) orders(l *link) {
	for {
		packet, err := readPacket(l.client)
		if err != nil || !p.pass(l) {
			return
		}
		switch fate := p.decide(packet); fate {
		case LoseOrder:
			return
		case HoldOrder:
			<-l.done
			return
		default:
			l.mu.Lock()
			l.reply = fate
			l.mu.Unlock()
		}
		if _, err := l.server.Write(packet); err != nil {
			return
		}
	}
}

// replies carries bytes from the server to the client. MySQL answers one command
// at a time, so what follows a COMMIT is its answer.
func (p *Proxy) replies(l *link) {
	b := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(b)
		if err != nil || !p.pass(l) {
			return
		}
		l.mu.Lock()
		fate := l.reply
		l.mu.Unlock()
		switch fate {
		case LoseReply:
			return
		case HoldReply:
			<-l.done
			return
		default:
		}
		if _, err := l.client.Write(b[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) decide(packet []byte) Fate {
	const query = 3 // COM_QUERY; a command begins a new sequence
	if len(packet) < 5 || packet[3] != 0 || packet[4] != query || !strings.EqualFold(string(packet[5:]), "COMMIT") {
		return Pass
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	if p.fate == nil {
		return Pass
	}
	return p.fate(p.commits)
}

func readPacket(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(append(head[:3:3], 0))
	packet := append(head, make([]byte, size)...)
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}
