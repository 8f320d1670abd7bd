package view

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// instantLayout is RFC 3339 in UTC with exactly six digits, so that times sort
// as text.
const instantLayout = "2006-01-02T15:04:05.000000Z"

// word is a text in JSON; the empty one is null.
func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// instant is a time in JSON; an absent one is null.
func instant(t *timestamppb.Timestamp) *string {
	if t == nil {
		return nil
	}
	return new(t.AsTime().UTC().Format(instantLayout))
}

// document is JSON inside JSON; an empty one is null.
func document(s string) json.RawMessage {
	if !json.Valid([]byte(s)) {
		return nil
	}
	return json.RawMessage(s)
}

// clockTime is a time for people: to the second, with what it is relative to.
func clockTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04:05Z")
}

// took is the span between two times for people; a missing end is now.
func took(from, to *timestamppb.Timestamp, now time.Time) string {
	if from == nil {
		return ""
	}
	end := now
	if to != nil {
		end = to.AsTime()
	}
	return span(end.Sub(from.AsTime()))
}

// span rounds a duration to what people read.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
