// The description of the API, served as it is.

package admin

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

func getOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // a client that has gone is no error of ours
}
