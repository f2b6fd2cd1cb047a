// Public series, from files that are no part of this project.

package foresight

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// public are the files of the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015) that are looked for in a folder.
var public = []struct {
	file, name string
	step       time.Duration
	seasonal   bool
	judged     time.Duration // what comes before is history only
}{
	{"nab-nyc_taxi.csv.gz", "NAB nyc_taxi, half-hourly", 30 * time.Minute, true, 28 * 24 * time.Hour},
	{"nab-elb_request_count_8c0756.csv.gz", "NAB elb_request_count", 5 * time.Minute, true, 7 * 24 * time.Hour},
	{"nab-ec2_request_latency_system_failure.csv.gz", "NAB ec2_request_latency", 5 * time.Minute, false, 7 * 24 * time.Hour},
}

// published reads those that are there. A folder without any is an error.
func published(folder string) (list []*course, err error) {
	for _, p := range public {
		c := &course{name: p.name, seasonal: p.seasonal, public: true, step: p.step, zone: time.UTC, judged: int(p.judged / p.step)}
		if err := c.read(filepath.Join(folder, p.file)); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("read series %s: %w", p.file, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read series: none of %s and the like is in %s: give the folder that has them", public[0].file, folder)
	}
	return list, nil
}

func (c *course) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	return c.parse(plain)
}

// mostSteps is how long a series may be: ten years of five minutes.
const mostSteps = 10 * 366 * 24 * 12

// parse reads lines of time and value. Steps that are missing are gaps; of two in one step the later counts.
func (c *course) parse(text io.Reader) error {
	rows := csv.NewReader(text)
	rows.FieldsPerRecord = 2
	if _, err := rows.Read(); err != nil {
		return err
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			return err
		}
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil || v < 0 || math.IsInf(v, 0) {
			return fmt.Errorf("value %q at %s: give a number from 0 on", row[1], row[0])
		}
		if c.values == nil {
			c.start = at.Truncate(c.step)
		}
		step := int(at.Sub(c.start) / c.step)
		if step < 0 || step > mostSteps {
			return fmt.Errorf("time %s: lies too far from the first", row[0])
		}
		for len(c.values) <= step {
			c.values = append(c.values, math.NaN())
		}
		c.values[step] = v
	}
	if len(c.values) <= c.judged {
		return fmt.Errorf("has %d steps: give more than %d", len(c.values), c.judged)
	}
	return nil
}
