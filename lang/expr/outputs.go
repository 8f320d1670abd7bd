package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/spec"
)

// MaxOutput is the size of the largest output file, in bytes.
const MaxOutput = 64 << 10

// Outputs reads what a job left in its output file: key=value lines, of which
// the last one of a key counts, or one JSON object. Nil data means that there
// was no file. Each declared output must be there, with its type, and nothing
// else; then the result is an object of all, or nil when none is declared.
func Outputs(declared []*spec.Output, data []byte) (json.RawMessage, error) {
	if len(data) > MaxOutput {
		return nil, fmt.Errorf("the output file has %d bytes, more than %d", len(data), MaxOutput)
	}
	written, isJSON, err := readOutputs(data)
	if err != nil {
		return nil, err
	}
	var faults []string
	values := make(map[string]cty.Value, len(declared))
	for _, o := range declared {
		text, ok := written[o.Name]
		if !ok {
			faults = append(faults, fmt.Sprintf("output %q was not written", o.Name))
			continue
		}
		delete(written, o.Name)
		v, err := outputValue(o.Type, text, isJSON)
		if err != nil {
			faults = append(faults, fmt.Sprintf("output %q: %v", o.Name, err))
			continue
		}
		values[o.Name] = v
	}
	for name := range written {
		faults = append(faults, fmt.Sprintf("output %q is not declared", clip(name)))
	}
	if len(faults) > 0 {
		return nil, errors.New(firstFew(faults))
	}
	if len(declared) == 0 {
		return nil, nil
	}
	return Encode(cty.ObjectVal(values))
}

func readOutputs(data []byte) (written map[string]string, isJSON bool, err error) {
	written = map[string]string{}
	if !utf8.Valid(data) {
		return nil, false, errors.New("the output file is not UTF-8 text")
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		members := map[string]json.RawMessage{}
		if !shallow(trimmed, MaxNesting) {
			return nil, true, fmt.Errorf("the output file is JSON nested more than %d deep", MaxNesting)
		}
		if err := json.Unmarshal(trimmed, &members); err != nil {
			return nil, true, fmt.Errorf("the output file starts like a JSON object, but is none: %w", err)
		}
		for name, value := range members {
			written[name] = string(value)
		}
		return written, true, nil
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, false, fmt.Errorf("line %d of the output file is neither key=value nor JSON: %s", number, clip(line))
		}
		written[strings.TrimSpace(name)] = value
	}
	return written, false, nil
}

func outputValue(t spec.Type, text string, isJSON bool) (cty.Value, error) {
	ty, err := DecodeType(t)
	if err != nil {
		return cty.NilVal, err
	}
	data := json.RawMessage(text)
	if !isJSON {
		if ty != cty.String {
			text = strings.TrimSpace(text)
		}
		if data, err = ConvertParam(t, text); err != nil {
			return cty.NilVal, err
		}
	}
	v, err := decodeJSON(data, ty, RunTime())
	if err != nil {
		return cty.NilVal, err
	}
	if v.IsNull() {
		return cty.NilVal, fmt.Errorf("%s is required, but it is null", article(ty))
	}
	return v, nil
}

func clip(s string) string {
	const longest = 60
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

func firstFew(faults []string) string {
	const most = 10
	slices.Sort(faults)
	if len(faults) > most {
		faults = append(faults[:most:most], fmt.Sprintf("and %d more", len(faults)-most))
	}
	return strings.Join(faults, "; ")
}
