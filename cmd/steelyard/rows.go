// The rows of request logs, read for those who predict.

package main

import (
	"errors"
	"io"
	"os"
	"slices"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// The columns that must be there to predict, and to learn.
var (
	askColumns   = []string{"model", "prompt_bytes", "max_tokens", "stream"}
	learnColumns = append(slices.Clone(askColumns), "status", "class", "service_s", "capacity", "slots")
)

// logReader reads a request log for those who predict.
type logReader struct{ *requestlog.Reader }

func openLog(name string, in io.Reader, needed []string) (*logReader, error) {
	r, err := requestlog.NewReader(name, in, needed)
	return &logReader{r}, told(err)
}

func (l *logReader) next() error { return told(l.Next()) }

// row is the row that was read last, with work where the columns are there to tell it. A class
// that is none of the known ones would be taken for an error.
func (l *logReader) row() (predict.Row, error) {
	r, work, err := l.Row()
	if err == nil && l.Has("class") && !slices.Contains(predict.Classes, r.Class) {
		err = badInput("%s: unknown class %q: %s", l.Place("class"), shorten(r.Class), configs.Suggest(r.Class, predict.Classes))
	}
	return predict.Row{
		Model: r.Model, Features: predict.Features{PromptBytes: r.PromptBytes, MaxTokens: r.MaxTokens, Stream: r.Stream},
		Work: work, Service: r.Service, Class: r.Class, Status: r.Status,
	}, told(err)
}

// told makes bad input of what is wrong with a log.
func told(err error) error {
	if unknown, ok := errors.AsType[*requestlog.UnknownColumn](err); ok {
		return badInput("%v: %s", err, configs.Suggest(unknown.Name, requestlog.Columns))
	}
	if _, ok := errors.AsType[*requestlog.Problem](err); ok {
		return badInput("%v", err)
	}
	return err
}

// eachRow reads files one after the other and calls each for every row. It names those that end within a row.
func eachRow(names, needed []string, each func(*logReader) error) (cut []string, err error) {
	for _, name := range names {
		isCut, err := eachRowOf(name, needed, each)
		if err != nil {
			return nil, err
		}
		if isCut {
			cut = append(cut, name)
		}
	}
	return cut, nil
}

func eachRowOf(name string, needed []string, each func(*logReader) error) (cut bool, err error) {
	f, err := openData(name, "give the path of a request log (CSV)")
	if err != nil {
		return false, err
	}
	defer f.Close()
	l, err := openLog(name, f, needed)
	if err != nil {
		return false, err
	}
	for {
		if err := l.next(); errors.Is(err, io.EOF) {
			return l.Cut, nil
		} else if err != nil {
			return false, err
		}
		if err := each(l); err != nil {
			return false, err
		}
	}
}

// openData opens a file of --data.
func openData(name, remedy string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, badInput("--data %s: cannot be read: %v; %s", name, cause(err), remedy)
	}
	if there, err := f.Stat(); err == nil && there.IsDir() {
		_ = f.Close()
		return nil, badInput("--data %s: it is a folder; %s", name, remedy)
	}
	return f, nil
}
