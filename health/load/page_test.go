package load

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reading is one in which all is unknown but what is given.
func reading(engine string, change func(*Reading)) Reading {
	r := nothing()
	r.Engine = engine
	change(&r)
	return r
}

var pages = map[string]Reading{
	"vllm-0.6": reading("vllm", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished = 5, 3, 0.25, 7562*16, 111
		r.progress, r.started = 27453, 1.73e9
	}),
	"vllm-0.9": reading("vllm", func(r *Reading) { r.Running, r.Waiting, r.CacheUsedRatio, r.Finished = 3, 0, 0.5, 0 }),
	"vllm-0.12-two-engines": reading("vllm", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished, r.progress = 20, 4, 0.8, 824000, 3000, 5e6
	}),
	"sglang-two-ranks": reading("sglang", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished, r.progress = 12, 4, 0.3, 400000, 77, 12345
	}),
	"sglang-0.4": reading("sglang", func(r *Reading) { r.Running, r.Waiting, r.CacheUsedRatio, r.progress = 4, 0, 0.03, 7 }),
	"tgi":        reading("tgi", func(r *Reading) { r.Running, r.Waiting, r.Finished, r.progress = 16, 6, 40, 1234 }),
	"llamacpp":   reading("llamacpp", func(r *Reading) { r.Running, r.Waiting, r.progress = 4, 46, 39080 }),
	"llamacpp-2024": reading("llamacpp", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.progress = 1, 0, 0.125, 10
	}),
	"triton-trtllm": reading("triton", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished, r.progress = 11, 3, 0.25, 6240*64, 20, 25
	}),
	"triton": reading("triton", func(r *Reading) { r.Waiting, r.Finished = 3, 12 }),
	"trtllm": reading("trtllm", func(r *Reading) {
		r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished = 3, 1, 0.75, 32000, 8
	}),
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return text
}

// TestPagesOfEngines: each engine is known by its page, whether it was named or not, and however the
// page comes.
func TestPagesOfEngines(t *testing.T) {
	for name, want := range pages {
		text := testdata(t, name+".txt")
		for kind, p := range map[string]*page{"any": newPage(nil), "named": newPage(find(want.Engine))} {
			for way, r := range map[string]io.Reader{
				"whole": bytes.NewReader(text), "byte by byte": iotest.OneByteReader(bytes.NewReader(text)),
				"without a last line end": strings.NewReader(strings.TrimSpace(string(text))),
				"with carriage returns":   strings.NewReader(strings.ReplaceAll(string(text), "\n", "\r\n")),
			} {
				got, err := p.read(r)
				require.NoError(t, err)
				assert.InDelta(t, float64(want.CacheUsedRatio), float64(got.CacheUsedRatio), 1e-9, "%s %s %s", name, kind, way)
				got.CacheUsedRatio = want.CacheUsedRatio
				assert.Equal(t, want, got, "%s %s %s", name, kind, way)
			}
		}
	}
	got, err := newPage(find("tgi")).read(bytes.NewReader(testdata(t, "vllm-0.6.txt")))
	require.NoError(t, err)
	assert.Equal(t, nothing(), got, "another engine than was asked for")
}

// TestOddPages: what cannot be is unknown, and never zero.
func TestOddPages(t *testing.T) {
	const running, waiting = "vllm:num_requests_running", "vllm:num_requests_waiting"
	for text, want := range map[string]Reading{
		"":                                    nothing(),
		"<html>\n<body>{{}}</body>\n":         nothing(),
		"\x00\xff\xfe\n{\n}\n{}{}{}\n\n\n   ": nothing(),
		running + "\n":                        nothing(),
		running + "{\n":                       nothing(),
		running + "{engine=\"0} 3\n":          nothing(),
		running + " NaN\n":                    nothing(),
		running + " -1\n":                     nothing(),
		running + " +Inf\n":                   nothing(),
		running + " 1e300\n":                  nothing(),
		running + " three\n":                  nothing(),
		"process_start_time_seconds 5\n":      nothing(),
		running + "_by_reason 3\n":            nothing(),
		" \t" + running + "\t 3 1700000000\r": reading("vllm", func(r *Reading) { r.Running = 3 }),
		running + "{} 3 # {trace=\"1\"} 5\n":  reading("vllm", func(r *Reading) { r.Running = 3 }),
		running + " 3\n" + running + " 3\n":   reading("vllm", func(r *Reading) { r.Running = 3 }),
		running + "{a=\"1\"} 3\n" + waiting + " NaN\n" + running + "{a=\"2\"} -4\n": reading("vllm", func(r *Reading) { r.Running = 3 }),
		waiting + strings.Repeat("x", 3*lineLimit) + " 3\n" + running + " 3\n":      reading("vllm", func(r *Reading) { r.Running = 3 }),
		running + " 3\n" + waiting + "{x=\"" + strings.Repeat("x", lineLimit):       reading("vllm", func(r *Reading) { r.Running = 3 }),
		"vllm:kv_cache_usage_perc 1.7\n":                                            reading("vllm", func(r *Reading) { r.CacheUsedRatio = 1 }),
		"vllm:num_requests_swapped 4\n":                                             nothing(), // comes on top of what is not there
		"vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"None\"} 1\n":     nothing(),
		"vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"0\"} 1\n":        reading("vllm", func(*Reading) {}),
	} {
		got, err := newPage(nil).read(strings.NewReader(text))
		require.NoError(t, err)
		assert.Equal(t, want, got, "%.80q", text)
	}
}

// TestLargePages: what is too much is an error, and takes no memory.
func TestLargePages(t *testing.T) {
	p := newPage(nil)
	_, err := p.read(io.MultiReader(strings.NewReader("vllm:num_requests_running 3\n"), endless("# nothing\n")))
	assert.ErrorIs(t, err, errPageTooLarge)
	_, err = p.read(endless("x"))
	assert.ErrorIs(t, err, errPageTooLarge, "one line")
	var b strings.Builder
	for i := range mostLines + 1 {
		fmt.Fprintf(&b, "vllm:num_requests_running{engine=\"%d\"} 1\n", i)
	}
	_, err = p.read(strings.NewReader(b.String()))
	assert.ErrorIs(t, err, errTooMany)
	_, err = p.read(iotest.ErrReader(io.ErrUnexpectedEOF))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "half a page says nothing")
	assert.Equal(t, lineLimit, cap(p.buffer))
}

// endless repeats a text for ever.
type endless string

func (e endless) Read(b []byte) (int, error) {
	for n := 0; n < len(b); {
		n += copy(b[n:], e)
	}
	return len(b), nil
}

func FuzzPage(f *testing.F) {
	for name := range pages {
		f.Add(testdata(f, name+".txt"))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := newPage(nil).read(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, v := range []Figure{r.Running, r.Waiting, r.CacheUsedRatio, r.CacheTokens, r.Finished} {
			if v != Unknown && !(v >= 0 && v <= 2*mostFigure) {
				t.Fatalf("%v of %q", v, text)
			}
		}
	})
}

// BenchmarkPage reads a page of 300 KiB, as a vLLM has it.
func BenchmarkPage(b *testing.B) {
	var text bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&text, "vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"%d.0\",model_name=\"meta-llama/Llama-3.1-8B-Instruct\"} %d.0\n", i, i)
	}
	text.Write(testdata(b, "vllm-0.12-two-engines.txt"))
	p := newPage(nil)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.read(bytes.NewReader(text.Bytes()))
		if err != nil || r.Running != 20 {
			b.Fatal(r, err)
		}
	}
}
