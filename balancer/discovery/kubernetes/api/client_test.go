package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/contract"
)

var (
	slices = api.Resource{Group: "discovery.k8s.io", Version: "v1", Kind: "endpointslices", Namespace: "llm"}
	deploy = api.Resource{Group: "apps", Version: "v1", Kind: "deployments", Namespace: "llm", Name: "chat"}
	scale  = api.Resource{Group: "apps", Version: "v1", Kind: "deployments", Namespace: "llm", Name: "chat", Part: "scale"}
)

const (
	slicesPath = "/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices"
	deployPath = "/apis/apps/v1/namespaces/llm/deployments/chat"
)

// client is one of the handler, without sockets.
func client(t *testing.T, h http.Handler, a api.Access) *api.Client {
	t.Helper()
	pipe, stop := contract.Serve(h)
	a.Server, a.Dial = "http://kube.test", pipe.Dial
	c, err := api.New(a)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Forget()
		stop()
	})
	return c
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestRefusalsInWords(t *testing.T) {
	refused := func(code int, message string) string {
		return fmt.Sprintf(`{"kind":"Status","code":%d,"message":%q,"details":{"retryAfterSeconds":7}}`, code, message)
	}
	for _, c := range []struct {
		code       int
		body, says string
	}{
		{401, refused(401, "Unauthorized"), "get deployments"},
		{403, refused(403, "no"), `not allowed (403): the role needs the verb get on deployments/scale (API group apps) in namespace "llm"`},
		{404, refused(404, `deployments.apps "chat" not found`), `there are no deployments/scale "chat" in namespace "llm" (404)`},
		{404, refused(404, "the server could not find the requested resource"), "the API server has no deployments/scale of apps/v1 (404)"},
		{404, "404 page not found", "the API server has no deployments/scale of apps/v1 (404)"},
		{409, refused(409, "changed"), "somebody else has changed it meanwhile (409)"},
		{410, refused(410, "old"), "has forgotten the version"},
		{422, refused(422, "spec.replicas:\nmust be 0"), "the API server answered 422: spec.replicas: must be 0"},
		{503, refused(503, strings.Repeat("x", 9999)), "the API server answered 503: xxx"},
		{302, "", "the API server answered 302"},
		{200, "{", "the answer is not what Kubernetes sends"},
		{200, strings.Repeat(" ", 65<<20), "longer than 64 MiB"},
	} {
		err := client(t, answering(c.code, c.body), api.Access{Token: "t"}).Get(t.Context(), scale, &struct{}{})
		if c.code == 401 {
			require.ErrorContains(t, err, "does not know who asks (401): the token has expired")
			continue
		}
		require.ErrorContains(t, err, c.says, c.code)
		assert.Less(t, len(err.Error()), 1000)
	}
}

func TestTokenIsReadAgainWhenItHasExpired(t *testing.T) {
	s := contract.New()
	s.Tokens = map[string]bool{"new": true}
	s.Put(deployPath, contract.Object{"spec": contract.Object{"replicas": 2}})
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("old\n"), 0o600))
	c := client(t, s, api.Access{TokenFile: file})
	err := c.Get(t.Context(), deploy, nil)
	require.True(t, api.Is(err, 401))
	assert.ErrorContains(t, err, "the token of "+file+" has expired")
	require.NoError(t, os.WriteFile(file, []byte("new\n"), 0o600))
	require.NoError(t, c.Get(t.Context(), deploy, nil), "at once, without waiting for a minute")
	require.NoError(t, os.Remove(file))
	require.NoError(t, c.Get(t.Context(), deploy, nil), "a file that is away for a moment leaves what was read")
}

func TestATokenIsReadAgainEachMinute(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("one"), 0o600))
	synctest.Test(t, func(t *testing.T) {
		var shown atomic.Value
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown.Store(r.Header.Get("Authorization"))
			_, _ = w.Write([]byte("{}"))
		}), api.Access{TokenFile: file})
		require.NoError(t, c.Get(t.Context(), deploy, nil))
		assert.Equal(t, "Bearer one", shown.Load())
		require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
		time.Sleep(61 * time.Second) // virtual
		require.NoError(t, c.Get(t.Context(), deploy, nil))
		assert.Equal(t, "Bearer two", shown.Load())
	})
}

func TestListGoesThroughAllPages(t *testing.T) {
	s := contract.New()
	for i := range 1201 {
		s.Put(fmt.Sprintf("%s/chat-%04d", slicesPath, i), contract.Object{})
	}
	n := 0
	version, err := client(t, s, api.Access{}).List(t.Context(), slices, api.Query{}, func(json.RawMessage) error { n++; return nil })
	require.NoError(t, err)
	assert.Equal(t, 1201, n)
	assert.Equal(t, "2201", version)
	assert.Equal(t, 3, s.Seen("list endpointslices"))
}

func TestNoNameLeadsToAnotherPath(t *testing.T) {
	var asked atomic.Value
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI)
		_, _ = w.Write([]byte("{}"))
	}), api.Access{})
	evil := scale
	evil.Name, evil.Namespace = "../../secrets?x=1#", ".."
	require.NoError(t, c.Get(t.Context(), evil, nil))
	assert.Equal(t, "/apis/apps/v1/namespaces/%2E%2E/deployments/..%2F..%2Fsecrets%3Fx=1%23/scale", asked.Load())
}

func TestWatchTellsWhatHappens(t *testing.T) {
	s := contract.New()
	version := s.Put(slicesPath+"/a", contract.Object{})
	s.Put(slicesPath+"/b", contract.Object{})
	s.Delete(slicesPath + "/a")
	var heard []string
	err := client(t, s, api.Access{}).Watch(t.Context(), slices, api.Query{Version: version}, func(e api.Event) error {
		if heard = append(heard, e.Type); len(heard) == 3 {
			return os.ErrClosed
		}
		return nil
	})
	require.ErrorIs(t, err, os.ErrClosed)
	assert.Equal(t, []string{api.Opened, api.Added, api.Deleted}, heard)
}

func TestAForgottenVersionIsAnErrorInsideA200(t *testing.T) {
	s := contract.New()
	s.Put(slicesPath+"/a", contract.Object{})
	s.Forget()
	err := client(t, s, api.Access{}).Watch(t.Context(), slices, api.Query{Version: "1001"}, func(api.Event) error { return nil })
	require.True(t, api.Is(err, http.StatusGone), err)
}

func TestAWatchEndsAfterItsTimeOrWhenItIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := contract.New()
		s.Bookmark = time.Minute
		c := client(t, s, api.Access{})
		began, bookmarks := time.Now(), 0
		require.NoError(t, c.Watch(t.Context(), slices, api.Query{Version: "1000"}, func(e api.Event) error {
			bookmarks++
			return nil
		}))
		assert.InDelta(t, 300, time.Since(began).Seconds(), 30)
		assert.GreaterOrEqual(t, bookmarks, 5)

		s.Silent(true)
		began = time.Now()
		require.ErrorIs(t, c.Watch(t.Context(), slices, api.Query{Version: "1000"}, func(api.Event) error { return nil }), api.ErrSilent)
		assert.Equal(t, 3*time.Minute, time.Since(began))
	})
}

func TestWatchDoesNotBelieveEverything(t *testing.T) {
	for says, body := range map[string]string{
		"is not what Kubernetes sends": "{\"type\":\"ADDED\",\n",
		"an error without a code":      `{"type":"ERROR","object":{}}`,
		"the API server answered 500":  `{"type":"ERROR","object":{"code":500,"message":"etcd"}}`,
		"token too long":               `{"type":"ADDED","object":"` + strings.Repeat("x", 17<<20),
	} {
		err := client(t, answering(200, body), api.Access{}).Watch(t.Context(), slices, api.Query{}, func(api.Event) error { return nil })
		require.ErrorContains(t, err, says)
	}
}
