package lang_test

import (
	"os"
	"testing"

	"github.com/leifengta/lft/lang"
)

func TestWeather(t *testing.T) {
	bundle, list := lang.Load(os.DirFS("../examples/weather"), lang.Options{JobTypes: jobTypes()})
	if len(list) > 0 {
		t.Fatal(render(list))
	}
	for _, j := range bundle.Flows[0].Jobs {
		j.Args = nil
		data, _ := j.MarshalJSON()
		t.Logf("%s", data)
	}
	t.Logf("%s %s", bundle.Schedules[0].Canonical(), bundle.Pools[0].Canonical())
}
