// The route that says how much traffic will come.

package admin

import (
	"net/http"
	"time"
)

// Forecasts is what is foretold, as the API shows it.
type Forecasts struct {
	Upstreams []Forecast `json:"upstreams"`
}

// Forecast is one series of one upstream.
type Forecast struct {
	Upstream string `json:"upstream"`
	Series   string `json:"series"` // arrivals: requests per second without retries; work: their predicted work per second, in requests of mean work
	Method   string `json:"method"`
	// Enough says whether there is a day of history; before, it is the last value.
	Enough      bool            `json:"enough_history"`
	StepSeconds float64         `json:"step_s"`
	Points      []ForecastPoint `json:"points"`             // of the last hour as it was foretold, then of a day
	Mase        *float64        `json:"mase,omitempty"`     // error over that of the same time yesterday or last week, of the last week; nil: not known
	Coverage    *float64        `json:"coverage,omitempty"` // part of the values that were inside of the band, 0 to 1
	Peaks       []string        `json:"peaks"`              // and valleys
}

// ForecastPoint is the range of a time: one value in twenty is below p05, one above p95.
type ForecastPoint struct {
	At  time.Time `json:"at"`
	P05 float64   `json:"p05"`
	P50 float64   `json:"p50"`
	P95 float64   `json:"p95"`
}

func (s *Server) getForecast(w http.ResponseWriter, _ *http.Request) {
	if s.forecast == nil {
		fail(w, http.StatusNotFound, "nothing is foretold: remove forecast: off from the configuration and start again")
		return
	}
	answer(w, http.StatusOK, s.forecast())
}
