package keeper

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// handoverFormat is raised with every change of what is handed over, or of what
// it means: a program takes its own format and no other.
const handoverFormat = 1

var errFormat = errors.New("state of another format")

// handover is all that a keeper knows, for the program that goes on in its
// place. What can be opened again by its name or number is not in it.
type handover struct {
	Format   int              `json:"format"`
	Keeper   string           `json:"keeper"`
	Cgroup   string           `json:"cgroup"`
	Beat     beatOrder        `json:"beat"`
	Lock     int              `json:"lock"`     // descriptor
	Listener int              `json:"listener"` // descriptor
	Attempts []attemptState   `json:"attempts"`
	Logs     []logState       `json:"logs"`
	Strays   map[int][]string `json:"strays"` // tokens by number of process
}

type attemptState struct {
	Start   Start    `json:"start"`
	Started *Started `json:"started"` // nil = it waits for its turn
	Ended   *Ended   `json:"ended"`

	// Of one that has started and not ended.
	Wish   *wish  `json:"wish"`
	Slot   string `json:"slot"`
	Stage  stage  `json:"stage"`
	Until  int64  `json:"until"`
	End    Ended  `json:"end"`
	Waited bool   `json:"waited"` // for the main process, which ended as Status says
	Status uint32 `json:"status"`
}

type logState struct {
	Token   string `json:"token"`
	Cap     int64  `json:"cap"`
	Bytes   int64  `json:"bytes"`
	Cut     int64  `json:"cut"`
	Freed   int64  `json:"freed"`
	Hash    []byte `json:"hash"`    // state of the sum, nil = nothing was written
	Pending []byte `json:"pending"` // read and not yet written
	Pipe    int    `json:"pipe"`    // descriptor, negative = it was read to its end
}

// handover says what is; nobody is inside the gate, and the caller holds mu.
func (k *keeper) handover() (*handover, error) {
	listener, err := descriptor(k.listener)
	if err != nil {
		return nil, err
	}
	h := &handover{
		Format: handoverFormat, Keeper: k.id, Cgroup: k.cgroup, Beat: k.beat,
		Lock: int(k.lock.Fd()), Listener: listener, Strays: map[int][]string{},
	}
	logs := map[string]*spool{}
	for token, log := range k.logs {
		logs[token] = log
	}
	for token, a := range k.attempts {
		h.Attempts = append(h.Attempts, k.attemptState(a))
		if a.ended == nil && a.log != nil {
			logs[token] = a.log // also if all of it was freed
		}
	}
	for _, log := range logs {
		s, err := log.state()
		if err != nil {
			return nil, err
		}
		h.Logs = append(h.Logs, s)
	}
	for pid, owners := range k.strays {
		h.Strays[pid] = []string{}
		for _, a := range owners {
			h.Strays[pid] = append(h.Strays[pid], a.start.Token)
		}
	}
	return h, nil
}

func (k *keeper) attemptState(a *attempt) attemptState {
	s := attemptState{Start: a.start, Started: a.started, Ended: a.ended, Wish: a.wish.Load()}
	if a.started == nil || a.ended != nil {
		return s
	}
	// What made the process is not needed again.
	s.Start.Argv, s.Start.Env, s.Start.Files, s.Start.Links, s.Start.Stdin = nil, nil, nil, nil, nil
	s.Slot, s.Stage, s.Until, s.End = a.slot.Name, a.stage, a.until, a.end
	s.Waited, s.Status = k.mains[a.pid] != a, uint32(a.status)
	return s
}

func (s *spool) state() (logState, error) {
	st := logState{
		Token: s.token, Cap: s.cap, Bytes: s.bytes.Load(), Cut: s.cut.Load(), Freed: s.freed.Load(),
		Pending: s.pending, Pipe: -1,
	}
	var err error
	if s.hash != nil {
		if st.Hash, err = s.hash.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
			return st, fmt.Errorf("sum of a log: %w", err)
		}
	}
	if !s.isDone() {
		st.Pipe, err = descriptor(s.pipe)
	}
	return st, err
}

func resumeHash(state []byte) (hash.Hash, error) {
	if state == nil {
		return nil, nil
	}
	sum := sha256.New()
	if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		return nil, fmt.Errorf("sum of a log: %w", err)
	}
	return sum, nil
}

// descriptor is the number of one that stays what it is: Fd would make it block.
func descriptor(c syscall.Conn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := -1
	err = raw.Control(func(fd uintptr) { n = int(fd) })
	return n, err
}

// descriptors are those that the next program inherits.
func (h *handover) descriptors() []int {
	fds := []int{h.Lock, h.Listener}
	for _, l := range h.Logs {
		if l.Pipe >= 0 {
			fds = append(fds, l.Pipe)
		}
	}
	return fds
}

// write returns a file in memory, to be read from its beginning.
func (h *handover) write() (*os.File, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode what is handed over: %w", err)
	}
	return memoryFile("handover", text)
}

func decodeHandover(text []byte, format int) (*handover, error) {
	var h handover
	var head struct{ Format int }
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("decode what is handed over: %w", err)
	}
	if head.Format != format {
		return nil, fmt.Errorf("%w: %d, not %d", errFormat, head.Format, format)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // somebody forgot to raise the format
	if err := d.Decode(&h); err != nil {
		return nil, fmt.Errorf("decode what is handed over: %w", err)
	}
	for _, l := range h.Logs {
		if _, err := resumeHash(l.Hash); err != nil {
			return nil, err
		}
	}
	return &h, nil
}

// resume makes the keeper go on from what an earlier program of this process
// knew.
func (k *keeper) resume(h *handover, set settings) (err error) {
	k.id, k.cgroup, k.beat = h.Keeper, h.Cgroup, h.Beat
	k.lock = os.NewFile(uintptr(h.Lock), lockName)
	if k.spools, err = newSpools(SpoolDir(k.dir), set.quota, &k.gate, k.logger); err != nil {
		return err
	}
	socket := os.NewFile(uintptr(h.Listener), socketName)
	defer socket.Close()
	l, err := net.FileListener(socket)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	k.listener = l.(*net.UnixListener)
	var used []string
	for _, s := range h.Attempts {
		if s.Slot != "" {
			used = append(used, s.Slot)
		}
	}
	var slots map[string]*launch.Slot
	if k.slots, slots, err = launch.ResumeSlots(filepath.Join(k.dir, slotName), k.cgroup, used); err != nil {
		return err
	}
	for _, s := range h.Logs {
		if err := k.resumeLog(s); err != nil {
			return err
		}
	}
	for _, s := range h.Attempts {
		if err := k.resumeAttempt(s, slots[s.Slot]); err != nil {
			return err
		}
	}
	for pid, tokens := range h.Strays {
		k.strays[pid] = []*attempt{}
		for _, t := range tokens {
			if a := k.attempts[t]; a != nil {
				k.strays[pid] = append(k.strays[pid], a)
			}
		}
	}
	return nil
}

func (k *keeper) resumeLog(st logState) error {
	sum, err := resumeHash(st.Hash)
	if err != nil {
		return err
	}
	s := k.spools.newSpool(st.Token, st.Cap, nil, func() { k.grown(st.Token) })
	s.hash, s.pending = sum, st.Pending
	s.bytes.Store(st.Bytes)
	s.cut.Store(st.Cut)
	s.freed.Store(st.Freed)
	if st.Pipe < 0 {
		close(s.done)
	} else {
		s.pipe = os.NewFile(uintptr(st.Pipe), "log")
	}
	k.logs[st.Token] = s
	return nil
}

func (k *keeper) resumeAttempt(s attemptState, slot *launch.Slot) error {
	a := newAttempt(s.Start)
	a.started, a.ended, a.slot = s.Started, s.Ended, slot
	a.wish.Store(s.Wish)
	k.attempts[s.Start.Token] = a
	if a.started == nil || a.ended != nil {
		return nil
	}
	a.pid, a.status = s.Started.PID, unix.WaitStatus(s.Status)
	a.stage, a.until, a.end = s.Stage, s.Until, s.End
	a.log = k.logs[s.Start.Token]
	if a.log.isDone() && a.log.freed.Load() >= a.log.bytes.Load() && a.log.bytes.Load() > 0 {
		delete(k.logs, s.Start.Token) // it was taken for the attempt alone
	}
	if s.Waited {
		return nil
	}
	exit, err := launch.WatchExit(a.pid)
	if err != nil {
		return err
	}
	a.main.Store(exit)
	k.mains[a.pid] = a
	return nil
}

// proceed sets what was resumed going.
func (k *keeper) proceed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.logs {
		if !s.isDone() {
			go s.copy()
		}
	}
	for _, a := range k.attempts {
		if a.ended != nil {
			continue
		}
		if a.started != nil {
			k.watch(a)
		}
		k.living.Add(1)
		go k.live(a)
	}
	k.breed()
}

// memoryFile has no name and can be seeked in.
func memoryFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return f, nil
}
