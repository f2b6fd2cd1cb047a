// From text to a tree of YAML nodes, with clear syntax errors.

package configs

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseTree turns the file into its tree, which is nil for an empty file. It reports a file that is not one YAML
// document, and ok is false.
func (r *report) parseTree(data []byte) (tree *yaml.Node, ok bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, another yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err == nil {
		err = decoder.Decode(&another)
	}
	if errors.Is(err, io.EOF) {
		return document.Content[0], true
	}
	if err == nil {
		r.addAt(place{line: another.Line}, "", "keep one, without a --- line between", "begins a second YAML document")
		return nil, false
	}
	line, cause, remedy := syntaxError(err, data)
	r.addAt(place{line: line}, "", remedy, "is not YAML: %s", cause)
	return nil, false
}

var (
	yamlError     = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	// parserError matches the messages of the library's parser, which counts lines from 0; its scanner counts from 1,
	// and neither prints the first line's number.
	parserError = regexp.MustCompile(`^(did not find expected|found undefined tag|found duplicate|found incompatible)`)
)

// syntaxError finds the line and the cause in an error of the YAML library, and what to do about it.
func syntaxError(err error, data []byte) (line int, cause, remedy string) {
	parts := yamlError.FindStringSubmatch(err.Error())
	if parts == nil {
		return 1, err.Error(), "write one YAML document"
	}
	cause = parts[2]
	if unreadable := unreadableAt(data); unreadable >= 0 && parts[1] == "" {
		return lineAt(data, unreadable), cause, "save the file as UTF-8 text, without control characters"
	}
	if anchor := unknownAnchor.FindStringSubmatch(cause); anchor != nil {
		return lineAt(data, bytes.Index(data, []byte("*"+anchor[1]))), cause, "write &" + anchor[1] + " before the value to repeat, further up"
	}
	line, _ = strconv.Atoi(parts[1])
	if parserError.MatchString(cause) || line == 0 {
		line++
	}
	if hasTab(data, line) {
		return line, cause, "indent with spaces, not tabs"
	}
	return line, cause, "look in this block for a missing quote, bracket or colon, or a wrong indentation"
}

// hasTab says whether the line is indented with a tab, which YAML forbids and editors hide.
func hasTab(data []byte, line int) bool {
	lines := bytes.Split(data, []byte("\n"))
	return line <= len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[line-1], " "), []byte("\t"))
}

// unreadableAt is the offset of the first byte that YAML forbids anywhere, or -1.
func unreadableAt(data []byte) int {
	for i := 0; i < len(data); {
		char, size := utf8.DecodeRune(data[i:])
		control := char < ' ' && char != '\t' && char != '\n' && char != '\r' || char == 0x7f
		if control || char == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:max(0, offset)], []byte("\n"))
}
