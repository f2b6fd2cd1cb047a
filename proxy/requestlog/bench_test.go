package requestlog_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

func benchRecord() requestlog.Row {
	return requestlog.Row{
		Upstream: "chat", Endpoint: "gpu-1", Model: "meta-llama/Llama-3.1-8B-Instruct", Class: "answered", Status: 200,
		PromptBytes: 1234, MaxTokens: 256, Service: time.Second, Capacity: 100, Slots: 8, Work: 12.5,
	}
}

func benchLog(b *testing.B) *requestlog.Log {
	l, err := requestlog.Open(requestlog.Options{
		Path: filepath.Join(b.TempDir(), "requests.csv"), Log: zap.NewNop(), Dropped: func() { b.Error("a row was dropped") },
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkLog is what a request pays for its row.
func BenchmarkLog(b *testing.B) {
	l, r := benchLog(b), benchRecord()
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if l.Write(r); n%4096 == 0 {
			b.StopTimer()
			requestlog.WriteRows(l)
			b.StartTimer()
		}
	}
}

// BenchmarkRequestLogWriting is the same with the row's writing, which happens elsewhere.
func BenchmarkRequestLogWriting(b *testing.B) {
	l, r := benchLog(b), benchRecord()
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if l.Write(r); n%1024 == 0 {
			requestlog.WriteRows(l)
		}
	}
}
