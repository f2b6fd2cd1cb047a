// Signing messages as Standard Webhooks asks for (www.standardwebhooks.com).

package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sign sets the fields by which a receiver knows the message again, sees that it is ours, and that it
// is not an old one sent once more. Without an id there is nothing to know again.
func sign(header http.Header, id string, at time.Time, body []byte, keys []Secret) {
	if id == "" {
		return
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", seconds)
	if len(keys) == 0 {
		return
	}
	signatures := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		mac.Write([]byte(id + "." + seconds + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	header.Set("Webhook-Signature", strings.Join(signatures, " "))
}
