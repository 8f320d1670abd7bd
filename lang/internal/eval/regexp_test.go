package eval

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"pgregory.net/rapid"
)

// TestAllMatches: counted, but as the library finds them.
func TestAllMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "é", ".", "a*", "(a|b)", "(b?)", "(?P<n>a+)", "(?:ab)*", "a??", "$", "^", `\b`, "|", "[^a]", "(?i)B"}), 1, 6).Draw(t, "pattern"), "")
		s := rapid.StringMatching(`[abé\n \xff]{0,12}`).Draw(t, "text")
		re, err := regexp.Compile(text)
		if err != nil {
			t.Skip()
		}
		p, err := compilePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.all(s)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(re.FindAllStringSubmatchIndex(s, -1), got); diff != "" {
			t.Fatalf("%q in %q: %s", text, s, diff)
		}
		replaced, err := p.replaceAll(s, "<$0$n>")
		if want := re.ReplaceAllString(s, "<$0$n>"); err != nil || replaced != want {
			t.Fatalf("%q in %q: replaced %q, want %q, %v", text, s, replaced, want, err)
		}
		args := []cty.Value{cty.StringVal(text), cty.StringVal(s)}
		want, wantErr := stdlib.RegexAllFunc.Call(args)
		value, err := regexAll.Call(args)
		if (err == nil) != (wantErr == nil) || err == nil && !value.RawEquals(want) {
			t.Fatalf("%q in %q: %#v %v, want %#v %v", text, s, value, err, want, wantErr)
		}
	})
}

// TestPatternsEnd: what would take minutes is refused.
func TestPatternsEnd(t *testing.T) {
	s := strings.Repeat("a", 20_000)
	for text, fine := range map[string]bool{`(a*)*b|(((.?)?)<)*`: false, `a*b|`: false, `\b(a*)*b|`: false, `^(a*)*b`: true, `a`: true, `a+`: true, `[b-z]+|a{1,5}`: true} {
		p, err := compilePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.all(s); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}
