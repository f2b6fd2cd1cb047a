package admin

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

var aRefusal = &ReloadRefused{Err: assert.AnError, Problems: []Problem{
	{Place: "c.yaml:3", Key: "listen", What: "is wrong", Remedy: "right it"}, {Place: "c.yaml", What: "is wrong too"},
}}

// reloads lets the server reload, with that end.
func reloads(err error) func(*Options, *running) {
	return func(o *Options, _ *running) {
		o.Reload = func() (Reloaded, error) {
			if err != nil {
				return Reloaded{}, err
			}
			return Reloaded{Changed: true, Changes: []Change{{"log.level", "changed"}}, AtNextStart: []string{"log"}}, nil
		}
	}
}

func TestReload(t *testing.T) {
	for _, c := range []struct {
		change func(*Options, *running)
		status int
		want   string
	}{
		{reloads(nil), 200, `{"changed":true,"changes":[{"key":"log.level","what":"changed"}],"files_read":false,"at_next_start":["log"]}`},
		{func(o *Options, _ *running) { o.Reload = func() (r Reloaded, err error) { return } }, 200, `{"changed":false,"changes":[],"files_read":false,"at_next_start":[]}`},
		{reloads(aRefusal), 422, `{"error":{"message":"the old configuration stays: ` + assert.AnError.Error() + `","problems":[
			{"place":"c.yaml:3","key":"listen","what":"is wrong","remedy":"right it"},{"place":"c.yaml","what":"is wrong too"}]}}`},
		{reloads(ErrStopping), 409, `{"error":{"message":"steelyard is shutting down"}}`},
		{func(*Options, *running) {}, 409, `{"error":{"message":"this steelyard was not started from a file: there is nothing to read again"}}`},
	} {
		got := start(t, c.change).do("POST", "/api/v1/reload", "")
		assert.Equal(t, c.status, got.StatusCode)
		assert.JSONEq(t, c.want, string(got.body))
	}
}
