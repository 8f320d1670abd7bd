package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/engine/api"
	"github.com/leifengta/lft/engine/auth"
)

// gate stands before every RPC: it finds out who asks, refuses what the policy
// does not allow, and turns our errors into codes.
type gate struct{ log *slog.Logger }

func (g gate) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		start := time.Now()
		ctx, err := admit(ctx, req.Spec(), req.Peer(), req.Header())
		if err != nil {
			return nil, g.answer(ctx, req.Spec(), start, err)
		}
		res, err := next(ctx, req)
		return res, g.answer(ctx, req.Spec(), start, err)
	}
}

func (g gate) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		start := time.Now()
		ctx, err := admit(ctx, conn.Spec(), conn.Peer(), conn.RequestHeader())
		if err == nil {
			err = next(ctx, conn)
		}
		return g.answer(ctx, conn.Spec(), start, err)
	}
}

func (g gate) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func admit(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	who, err := auth.Peer(peer.Addr, header.Get(api.ByHeader))
	if err != nil {
		return ctx, err
	}
	return auth.With(ctx, who), auth.Check(who, spec.Procedure)
}

func (g gate) answer(ctx context.Context, spec connect.Spec, start time.Time, err error) error {
	coded := status(err)
	attrs := []slog.Attr{
		slog.String("rpc", spec.Procedure),
		slog.String("by", auth.From(ctx).Name),
		slog.Duration("took", time.Since(start)),
	}
	level := slog.LevelDebug
	if coded != nil {
		attrs = append(attrs, slog.String("code", coded.Code().String()), slog.String("error", err.Error()))
		if coded.Code() == connect.CodeInternal {
			level = slog.LevelError
		}
	}
	g.log.LogAttrs(ctx, level, "rpc", attrs...)
	if coded == nil {
		return nil // not the typed nil
	}
	return coded
}

// recovered turns a handler's panic into an answer; the others go on.
func (g gate) recovered(ctx context.Context, spec connect.Spec, _ http.Header, panicked any) error {
	g.log.LogAttrs(ctx, slog.LevelError, "a handler panicked",
		slog.String("rpc", spec.Procedure), slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
	return fmt.Errorf("internal error in %s: %v", spec.Procedure, panicked)
}

// fence keeps browsers out that were sent here by another site: one that names
// us by a foreign host, or posts across origins.
func fence(next http.Handler) http.Handler {
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := netip.ParseAddrPort(r.RemoteAddr)
		if overTCP := err == nil; overTCP && !localHost(r.Host) {
			http.Error(w, fmt.Sprintf("host %q is not this one; ask by 127.0.0.1 or localhost", r.Host), http.StatusMisdirectedRequest)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// localHost tells whether a Host header names the loopback interface.
func localHost(host string) bool {
	if at, err := netip.ParseAddrPort(host); err == nil {
		return at.Addr().Unmap().IsLoopback()
	}
	if at, err := netip.ParseAddr(host); err == nil {
		return at.Unmap().IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	return strings.EqualFold(name, "localhost")
}
