// Who may use the admin listener: who has the token, or has shown it in the page.

package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sessionLength is how long a browser stays logged in. Another token ends all sessions at once.
const sessionLength = 7 * 24 * time.Hour

// access lets in who has the token. Without a token everybody is let in.
type access struct {
	token func() string // nil or "": none is asked for
	tries *tries
	now   func() time.Time
}

// openTo says which requests need no token: those of machines that watch the process, and the
// page with its login form, which hold nothing of anybody.
func openTo(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/" || path == sessionPath || strings.HasPrefix(path, assetsPath)
}

// guard refuses requests without the token.
func (a *access) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if openTo(r.URL.Path) || a.allowed(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// allowed says whether a request may go on, and answers it if not.
func (a *access) allowed(w http.ResponseWriter, r *http.Request) bool {
	token := a.asked()
	if token == "" || a.session(token, r) {
		return true
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="steelyard admin"`)
		fail(w, http.StatusUnauthorized, "a token is needed: send Authorization: Bearer with what admin.token_file holds, or log in on the page")
		return false
	}
	return a.try(w, r, token, given)
}

// try compares a token. Whoever has given several wrong ones must wait before the next is looked at.
func (a *access) try(w http.ResponseWriter, r *http.Request, token, given string) bool {
	from := clientOf(r)
	if wait := a.tries.wait(from, a.now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		fail(w, http.StatusTooManyRequests, "too many wrong tokens came from this address: wait, then try again")
		return false
	}
	if same(given, token) {
		return true
	}
	a.tries.failed(from, a.now())
	w.Header().Set("WWW-Authenticate", `Bearer realm="steelyard admin", error="invalid_token"`)
	fail(w, http.StatusUnauthorized, "the token is wrong: it is what admin.token_file holds")
	return false
}

func (a *access) asked() string {
	if a.token == nil {
		return ""
	}
	return a.token()
}

// same compares in a time that tells nothing of the texts, not even their length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// seal is what only who knows the token can make of a text.
func seal(token, text string) []byte {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte("steelyard admin " + text))
	return h.Sum(nil)
}

// cookieName differs from token to token: browsers give all ports of a machine the same cookies.
func cookieName(token string) string {
	return "steelyard-" + hex.EncodeToString(seal(token, "name")[:4])
}

// newCookie logs a browser in. It holds its end, sealed, so that a restart of steelyard logs nobody out.
func newCookie(token string, now time.Time, secure bool) *http.Cookie {
	end := strconv.FormatInt(now.Add(sessionLength).Unix(), 10)
	return &http.Cookie{
		Name: cookieName(token), Value: end + "." + base64.RawURLEncoding.EncodeToString(seal(token, "until "+end)),
		Path: "/", MaxAge: int(sessionLength / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
	}
}

// session says whether a request has the cookie of somebody who has logged in.
func (a *access) session(token string, r *http.Request) bool {
	for _, cookie := range r.CookiesNamed(cookieName(token)) {
		end, sealed, _ := strings.Cut(cookie.Value, ".")
		sum, err := base64.RawURLEncoding.DecodeString(sealed)
		until, notNumber := strconv.ParseInt(end, 10, 64)
		if err == nil && notNumber == nil && hmac.Equal(sum, seal(token, "until "+end)) && a.now().Unix() < until {
			return true
		}
	}
	return false
}
