package keeper

import (
	"os"
)

// maxTail bounds one answer to a Tail.
const maxTail = 1 << 20

// free gives log bytes back. A log that no attempt of this keeper writes was
// left by an earlier one, and is whole.
func (k *keeper) free(o freeOrder) {
	if !tokenShape.MatchString(o.Token) {
		return
	}
	k.mu.Lock()
	s := k.logs[o.Token]
	k.mu.Unlock()
	var from int64
	whole := true
	if s != nil {
		from, whole = s.freed.Load(), s.isDone()
	} else {
		from = k.spools.begin(o.Token)
	}
	freed, err := k.spools.free(o.Token, from, o.To, whole)
	if err != nil {
		k.logger.Warn("free", "token", o.Token, "error", err)
	}
	if s == nil {
		return
	}
	s.freed.Store(freed)
	if whole && freed >= s.bytes.Load() {
		k.mu.Lock()
		delete(k.logs, o.Token)
		k.mu.Unlock()
	}
}

func (k *keeper) tail(o tailOrder) {
	reply := tailData{ID: o.ID}
	data, eof, err := k.readTail(o)
	if err != nil {
		reply.Error = err.Error()
	}
	reply.Data, reply.EOF = data, eof
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell(func(n *news) { n.Tails = append(n.Tails, reply) }, true)
}

func (k *keeper) readTail(o tailOrder) (data []byte, eof bool, err error) {
	if !tokenShape.MatchString(o.Token) {
		return nil, false, os.ErrNotExist
	}
	k.mu.Lock()
	s, a := k.logs[o.Token], k.attempts[o.Token]
	ended := a != nil && a.ended != nil
	k.mu.Unlock()
	if s == nil {
		if a != nil && (!ended || a.ended.Log.Bytes == 0) {
			return nil, ended, nil // nothing written
		}
		return nil, false, ErrFreed
	}
	done := s.isDone() // before the size is read: then it does not grow
	size := s.bytes.Load()
	data, err = k.spools.tail(o.Token, o.From, min(o.Max, maxTail), size, s.freed.Load())
	return data, err == nil && done && o.From+int64(len(data)) >= size, err
}

// isDone reports whether the log will not grow.
func (s *spool) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
