// The kinds of plain values: how each is read and printed.

package configs

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// leaf is one kind of value without parts: how it is read from a scalar, and printed to be read back.
type leaf struct {
	want   string // completes "must be …"
	remedy string
	read   func(tag, text string) (value any, ok bool) // tag is the YAML type: !!str, !!int, !!float, !!bool, …
	print  func(value any) *yaml.Node
}

// leaves lists every kind of leaf in the schema.
var leaves = map[reflect.Type]leaf{
	reflect.TypeFor[string](): {
		"text", "put it in quotes",
		func(tag, text string) (any, bool) { return text, tag == "!!str" },
		func(value any) *yaml.Node { return scalar("!!str", value.(string)) },
	},
	reflect.TypeFor[SecretURL](): {
		"a URL", "put it in quotes",
		func(tag, text string) (any, bool) { return text, tag == "!!str" },
		func(value any) *yaml.Node { return scalar("!!str", string(value.(SecretURL))) },
	},
	reflect.TypeFor[bool](): {
		"true or false", "write true or false, without quotes",
		func(tag, text string) (any, bool) {
			return strings.EqualFold(text, "true"), tag == "!!bool" && isBool(text)
		},
		func(value any) *yaml.Node { return scalar("", strconv.FormatBool(value.(bool))) },
	},
	reflect.TypeFor[int](): {
		"a whole number", "write plain digits such as 512, without quotes or a unit",
		readInt,
		func(value any) *yaml.Node { return scalar("", strconv.Itoa(value.(int))) },
	},
	reflect.TypeFor[float64](): {
		"a number", "write it like 100 or 12.5, without quotes or a unit",
		readFloat,
		func(value any) *yaml.Node { return scalar("", formatFloat(value.(float64))) },
	},
	reflect.TypeFor[Capacity](): {
		"a number or auto", "write it like 100 or 12.5, without quotes or a unit, or auto to have it measured",
		readCapacity, printCapacity,
	},
	reflect.TypeFor[Slots](): {
		"a whole number or auto", "write how many requests the server works on at once, 0 for no limit, or auto to have it measured",
		readSlots, printSlots,
	},
	reflect.TypeFor[PrefixCache](): {
		"a whole number or auto", "write for how many tokens the engine's KV cache has room, 0 for none, or auto",
		readPrefixCache, printPrefixCache,
	},
	reflect.TypeFor[Idempotent](): {
		"auto, true or false", "write auto for methods and paths that are known to be safe, true for all requests, false for methods alone",
		readIdempotent,
		func(value any) *yaml.Node { return scalar("", string(value.(Idempotent))) },
	},
	reflect.TypeFor[HedgeAfter](): {
		"off, p95 or a duration", "write how long the first endpoint has time, like 500ms, or p95 to have it learned, or off",
		readHedgeAfter, printHedgeAfter,
	},
	reflect.TypeFor[Mode](): {
		"the mode of a file", "write it in octal, like \"0660\": who may connect needs the right to write",
		readMode, printMode,
	},
	reflect.TypeFor[Account](): {
		"a name or a number", "write it like www-data or 1000",
		readAccount,
		func(value any) *yaml.Node { return scalar("!!str", string(value.(Account))) },
	},
	reflect.TypeFor[Bytes](): {
		"a size", "write bytes, or KiB, MiB, GiB or TiB: 4096, 8KiB, 64MiB",
		func(tag, text string) (any, bool) { return accept(text, ParseBytes) },
		func(value any) *yaml.Node { return scalar("", value.(Bytes).String()) },
	},
	reflect.TypeFor[time.Duration](): {
		"a duration with its unit", "write it like 500ms, 10s or 2m30s",
		func(tag, text string) (any, bool) { return accept(text, parseDuration) },
		func(value any) *yaml.Node { return scalar("", formatDuration(value.(time.Duration))) },
	},
	reflect.TypeFor[Period](): {
		"a duration with its unit", "write it like 30d or 12h",
		func(tag, text string) (any, bool) { return accept(text, parsePeriod) },
		func(value any) *yaml.Node { return scalar("", value.(Period).String()) },
	},
	reflect.TypeFor[StatusRange](): {
		"a status or a range of them", "write it like 429 or 200-299",
		func(tag, text string) (any, bool) { return accept(text, ParseStatusRange) },
		func(value any) *yaml.Node { return scalar("", value.(StatusRange).String()) },
	},
	reflect.TypeFor[netip.Prefix](): {
		"an IP address or network", "write it like 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32",
		func(tag, text string) (any, bool) { return accept(text, parsePrefix) },
		func(value any) *yaml.Node { return scalar("!!str", value.(netip.Prefix).String()) },
	},
}

// reads says whether the text, in that style, is such a value.
func (l leaf) reads(style yaml.Style, text string) bool {
	node := scalar("", text)
	node.Style = style
	_, ok := l.read(node.ShortTag(), text)
	return ok
}

func scalar(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// show prints a leaf for a message, as it would stand in the file.
func show(value any) string { return leaves[reflect.TypeOf(value)].print(value).Value }

func accept[T any](text string, parse func(string) (T, error)) (any, bool) {
	value, err := parse(text)
	return value, err == nil
}

func isNumber(tag string) bool { return tag == "!!int" || tag == "!!float" }

func isBool(text string) bool {
	return strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}

func readInt(tag, text string) (any, bool) {
	number, err := plainInt(text)
	return int(number), err == nil && tag == "!!int" && number == int64(int(number))
}

// readFloat leaves infinities and NaN to validation, which has a better message for them.
func readFloat(tag, text string) (any, bool) {
	var number float64
	if !isNumber(tag) {
		return number, false
	}
	err := scalar(tag, text).Decode(&number)
	return number, err == nil && (IsDecimal(text) || math.IsInf(number, 0) || math.IsNaN(number))
}

// formatFloat writes numbers of everyday size without an exponent.
func formatFloat(number float64) string {
	switch size := math.Abs(number); {
	case math.IsNaN(number):
		return ".nan"
	case math.IsInf(number, 1):
		return ".inf"
	case math.IsInf(number, -1):
		return "-.inf"
	case size == 0 || size >= 1e-6 && size < 1e15:
		return strconv.FormatFloat(number, 'f', -1, 64)
	default:
		return strconv.FormatFloat(number, 'g', -1, 64)
	}
}

// formatDuration writes 10m and 1h where [time.Duration.String] writes 10m0s and 1h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

var errZone = errors.New("a zone has no meaning in a network")

// parsePrefix reads a network, or an address as a network of one.
func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	if address.Zone() != "" {
		return netip.Prefix{}, errZone
	}
	return address.Unmap().Prefix(address.Unmap().BitLen())
}
