// What a server writes: to a file of bounded size, and the end of it for people.

package keeper

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	endBytes   = 1 << 10  // of what it wrote that are told when it has ended
	chunkBytes = 32 << 10 // read at once
	mostChunks = 64       // that wait for a slow disk; what comes then is dropped
	usualLog   = 10 << 20 // of one file, where the plan does not say
	finishTime = time.Second
)

// output takes what a server writes. It never lets the server wait, whatever its file does.
type output struct {
	path    string
	most    int64
	problem func(string)  // told once
	chunks  chan []byte   // closed when there is no more
	done    chan struct{} // closed when all is written

	mu      sync.Mutex // guards the fields below
	tail    []byte
	dropped int

	// These belong to the goroutine that writes.
	file   *os.File
	size   int64
	failed bool
}

func newOutput(path string, most int64, problem func(string)) *output {
	o := &output{path: path, most: most, problem: problem, chunks: make(chan []byte, mostChunks), done: make(chan struct{})}
	if o.most <= 0 {
		o.most = usualLog
	}
	go o.write()
	return o
}

// take reads until nobody can write any more.
func (o *output) take(from io.ReadCloser) {
	defer from.Close()
	defer close(o.chunks)
	for {
		buffer := make([]byte, chunkBytes)
		n, err := from.Read(buffer)
		if n > 0 {
			o.keep(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

func (o *output) keep(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(o.tail, p[max(0, len(p)-endBytes):]...)
	if over := len(o.tail) - endBytes; over > 0 {
		o.tail = append([]byte(nil), o.tail[over:]...)
	}
	if o.path == "" {
		return
	}
	select {
	case o.chunks <- p:
	default:
		o.dropped += len(p)
	}
}

// finish waits a moment until all is written.
func (o *output) finish() {
	select {
	case <-o.done:
	case <-time.After(finishTime):
	}
}

// end is the end of what it wrote.
func (o *output) end() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(o.tail)), "")
}

// write writes what comes to the file, as well as that goes.
func (o *output) write() {
	defer close(o.done)
	for p := range o.chunks {
		o.mu.Lock()
		dropped := o.dropped
		o.dropped = 0
		o.mu.Unlock()
		if dropped > 0 {
			p = append([]byte(fmt.Sprintf("\n[steelyard: %d bytes could not be written in time]\n", dropped)), p...)
		}
		if err := o.append(p); err != nil && !o.failed {
			o.failed = true
			o.problem("its log is not written: " + err.Error())
		}
	}
}

// append writes to the file, and begins a new one when it is full.
func (o *output) append(p []byte) error {
	if o.file != nil && o.size+int64(len(p)) > o.most {
		_ = o.file.Close()
		o.file = nil
		if err := os.Rename(o.path, o.path+".1"); err != nil {
			return err
		}
	}
	if o.file == nil {
		// Not a pipe or a device, which could be waited for without end.
		if there, err := os.Stat(o.path); err == nil && !there.Mode().IsRegular() {
			return fmt.Errorf("%s is no file", o.path)
		}
		f, err := os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
		if err != nil {
			return err
		}
		there, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return err
		}
		o.file, o.size = f, there.Size()
	}
	n, err := o.file.Write(p)
	o.size += int64(n)
	return err
}
