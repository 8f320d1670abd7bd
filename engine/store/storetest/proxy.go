package storetest

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
)

// Fate is what a proxy does with a statement.
type Fate int

// The fates.
const (
	Pass      Fate = iota
	LoseReply      // the server does it; the client's link breaks instead of the answer
	LoseOrder      // the link breaks before the server hears of it
	HoldReply      // the server does it; the client hears nothing, and the server never of the client again
	HoldOrder      // neither hears of the other again
)

// Proxy passes a MySQL connection's packets on and knows which is a COMMIT.
type Proxy struct {
	upstream string
	listener net.Listener
	wait     sync.WaitGroup

	mu     sync.Mutex
	fate   func(text string) Fate
	frozen chan struct{} // closed by Thaw; nil = not frozen
	links  map[*link]bool
	closed bool
}

type link struct {
	client, server net.Conn
	done           chan struct{}
	once           sync.Once

	mu    sync.Mutex
	reply Fate // of the statement whose answer comes next
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.done)
		l.client.Close()
		l.server.Close()
	})
}

func (l *link) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reply == HoldReply
}

// NewProxy listens on a free port of the loopback for connections to upstream,
// HOST:PORT.
func NewProxy(upstream string) (*Proxy, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
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
	if fate == nil {
		p.OnQuery(nil)
		return
	}
	commits := 0
	p.OnQuery(func(text string) Fate {
		if !strings.EqualFold(text, "COMMIT") {
			return Pass
		}
		commits++
		return fate(commits)
	})
}

// OnQuery sets who decides over each text that is sent as a query, which may hold
// several statements. Calls come one at a time. nil = all pass.
func (p *Proxy) OnQuery(fate func(text string) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = fate
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
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.upstream)
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
		if err != nil && l.held() {
			<-l.done // the server does not learn that the client has given up
		}
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
// at a time, so what follows a query is its answer.
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
	if len(packet) < 5 || packet[3] != 0 || packet[4] != query {
		return Pass
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fate == nil {
		return Pass
	}
	return p.fate(string(packet[5:]))
}

func readPacket(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	packet := make([]byte, 4+size)
	copy(packet, head)
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}
