package keeper

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// A frame is its length as four bytes, then one JSON object: an order or a news.
// Both are batches; what is absent is not asked or has not happened. Unknown
// members are ignored, so that an agent and an older or newer keeper understand
// each other.

// order is what an agent sends.
type order struct {
	Starts  []Start       `json:"starts,omitempty"`
	Kills   []killOrder   `json:"kills,omitempty"`
	Forgets []string      `json:"forgets,omitempty"`
	Frees   []freeOrder   `json:"frees,omitempty"`
	Tails   []tailOrder   `json:"tails,omitempty"`
	Beat    *beatOrder    `json:"beat,omitempty"`
	Stop    bool          `json:"stop,omitempty"`
	Upgrade *upgradeOrder `json:"upgrade,omitempty"`
}

type upgradeOrder struct {
	Argv []string `json:"argv"` // of the keeper to become
}

type killOrder struct {
	Token string `json:"token"`
	Why   string `json:"why,omitempty"`
}

type freeOrder struct {
	Token string `json:"token"`
	To    int64  `json:"to"`
}

type beatOrder struct {
	Epoch  int64 `json:"epoch"`
	Beat   int64 `json:"beat"`
	SentAt int64 `json:"sent_at"`
}

// after reports whether a master advanced from o to b.
func (b beatOrder) after(o beatOrder) bool {
	return b.Epoch > o.Epoch || b.Epoch == o.Epoch && b.Beat > o.Beat
}

type tailOrder struct {
	ID    int64  `json:"id"`
	Token string `json:"token"`
	From  int64  `json:"from"`
	Max   int    `json:"max"`
}

// news is what a keeper sends. In one frame a token's start comes before its
// first byte and that before its end.
type news struct {
	Hello   *Hello     `json:"hello,omitempty"`
	Started []Started  `json:"started,omitempty"`
	Grown   []Grown    `json:"grown,omitempty"`
	Ended   []Ended    `json:"ended,omitempty"`
	Tails   []tailData `json:"tails,omitempty"`
	Refused string     `json:"refused,omitempty"` // why there was no upgrade
}

type tailData struct {
	ID    int64  `json:"id"`
	Data  []byte `json:"data,omitempty"`
	EOF   bool   `json:"eof,omitempty"`
	Error string `json:"error,omitempty"`
}

func writeFrame(w io.Writer, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if len(body) > maxFrame {
		return fmt.Errorf("frame of %d bytes is larger than %d", len(body), maxFrame)
	}
	frame := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

func readFrame(r *bufio.Reader, message any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return fmt.Errorf("frame of %d bytes is larger than %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return fmt.Errorf("frame is cut short: %w", err)
	}
	if err := json.Unmarshal(body, message); err != nil {
		return fmt.Errorf("decode frame: %w", err)
	}
	return nil
}
