package agent

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// lossy is a connection that may lose all that is sent, without a word.
type lossy struct {
	net.Conn
	lost *atomic.Bool
}

func (c lossy) Write(p []byte) (int, error) {
	if c.lost.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// network is a listener whose connections are pipes, the wire to it, and what of that
// is broken.
type network struct {
	conns chan net.Conn
	wire  *atomic.Bool // of the connection made last
	dials int
}

func (n *network) Accept() (net.Conn, error) {
	if c, ok := <-n.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (n *network) Close() error   { return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	n.dials++
	n.wire = new(atomic.Bool)
	n.conns <- theirs
	return lossy{ours, n.wire}, nil
}

// TestDeadConnectionIsLeft: a connection that has died without a word is not asked
// again and again for the session that takes the place of the one it carried.
func TestDeadConnectionIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{conns: make(chan net.Conn)}
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(n) }()
		owned := transport(n.dial)
		get := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), registerWait)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://master/", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := (&http.Client{Transport: owned}).Do(req)
			if err == nil {
				err = res.Body.Close()
			}
			return err
		}
		if err := get(); err != nil {
			t.Fatal(err)
		}
		n.wire.Store(true)
		cut := time.Now()
		for get() != nil {
			if time.Since(cut) > time.Minute {
				t.Fatal("nothing but the dead connection is tried")
			}
		}
		if took := time.Since(cut); took > pingAfter+pingWait+registerWait || n.dials != 2 {
			t.Errorf("left after %v, with %d connections in all", took, n.dials)
		}
		owned.CloseIdleConnections()
		close(n.conns)
		<-served
		_ = server.Close()
	})
}
