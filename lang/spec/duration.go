package spec

import (
	"errors"
	"fmt"
	"time"
)

// Duration is a span in microseconds; in JSON it is Go's text ("1h30m0s").
type Duration int64

// Second is the unit most defaults are given in.
const Second Duration = 1_000_000

// ParseDuration reads Go's text form, such as "90s" or "1h30m". The error is
// for users.
func ParseDuration(text string) (Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no duration; write one like \"500ms\", \"90s\", \"15m\" or \"1h30m\"", text)
	case d < 0:
		return 0, fmt.Errorf("%q is negative", text)
	case d%time.Microsecond != 0:
		return 0, fmt.Errorf("%q is not a whole number of microseconds", text)
	}
	return Duration(d / time.Microsecond), nil
}

// Std returns the same span as the standard library writes it.
func (d Duration) Std() time.Duration { return time.Duration(d) * time.Microsecond }

// String returns Go's text form.
func (d Duration) String() string { return d.Std().String() }

// MarshalText writes the text form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form.
func (d *Duration) UnmarshalText(text []byte) error {
	if d == nil {
		return errors.New("duration: nothing to write to")
	}
	parsed, err := ParseDuration(string(text))
	*d = parsed
	return err
}
