package proxy_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/proxy"
)

func benchRecord() proxy.RequestRecord {
	return proxy.RequestRecord{
		Upstream: "chat", Endpoint: "gpu-1", Model: "meta-llama/Llama-3.1-8B-Instruct", Class: "answered", Status: 200,
		PromptBytes: 1234, MaxTokens: 256, Service: time.Second, Capacity: 100, Slots: 8, Work: 12.5,
	}
}

func benchRequestLog(b *testing.B) *proxy.RequestLog {
	l, err := proxy.OpenRequestLog(proxy.RequestLogOptions{
		Path: filepath.Join(b.TempDir(), "requests.csv"), Log: zap.NewNop(), Dropped: func() { b.Error("a row was dropped") },
	})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkRequestLog is what a request pays for its row.
func BenchmarkRequestLog(b *testing.B) {
	l, r := benchRequestLog(b), benchRecord()
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if l.Write(r); n%4096 == 0 {
			b.StopTimer()
			proxy.WriteRequestRows(l)
			b.StartTimer()
		}
	}
}

// BenchmarkRequestLogWriting is the same with the row's writing, which happens elsewhere.
func BenchmarkRequestLogWriting(b *testing.B) {
	l, r := benchRequestLog(b), benchRecord()
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if l.Write(r); n%1024 == 0 {
			proxy.WriteRequestRows(l)
		}
	}
}
