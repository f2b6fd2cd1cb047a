// Text that must not be shown.

package notify

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Secret is text that no log shows, however the value that holds it is printed: fmt looks
// through unexported fields, but not through a pointer in them.
type Secret struct{ text *string }

// NewSecret keeps text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

const hidden = "(secret)"

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// keyPrefix marks a key in base64, as Standard Webhooks writes it.
const keyPrefix = "whsec_"

// ReadKeys reads the keys of a file, one a line. A message has a signature by each, so that a
// key can be replaced without a message that the receiver refuses.
func ReadKeys(text string) (keys []Secret, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if encoded, is := strings.CutPrefix(line, keyPrefix); is {
			raw, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return nil, errors.New("what follows " + keyPrefix + " must be base64")
			}
			line = string(raw)
		}
		keys = append(keys, NewSecret(line))
	}
	return keys, nil
}
