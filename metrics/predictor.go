// The metrics of predictions.

package metrics

// PredictorState is what a scrape shows about predicting the work of one upstream's
// requests.
type PredictorState struct {
	Upstream string
	Dropped  uint64 // rows that were not looked at, because too many came
	Ready    bool   // enough is known of all models together
	Known    int    // models that have predictions of their own
	Learning int    // models that do not have enough rows for that yet
	Evicted  uint64 // models forgotten to make room for others
	Models   []PredictedModel
}

// PredictedModel is one model whose requests' work is predicted; "" stands for all models
// together. Names come from clients: show only models with enough finished requests, or
// anybody could make up series.
type PredictedModel struct {
	Model  string
	Rule   string            // the one in use
	Rows   map[string]uint64 // finished requests, by what was done with them
	Scores []PredictionScore // of each rule, on requests it has not learned from
}

// PredictionScore says how good the predictions of one rule are.
type PredictionScore struct {
	Rule              string
	R2Ratio           float64 // 1: exact; 0: no better than the mean
	MeanAbsoluteError float64 // in units of work
}

// ObservePredictors makes source the origin of the metrics of predictions. It is
// called once per scrape, from any goroutine, and should name each upstream once. A
// later call replaces it.
func (r *Registry) ObservePredictors(source func() []PredictorState) {
	r.predictorSource.Store(&source)
}

var (
	predictorRows    = family("predictor_rows_total", "Finished requests by what the predictor did with them: kept to learn from, or why not.", "upstream", "reason")
	predictorOfModel = family("predictor_model_rows_total", "Finished requests of a model that is ready, by what the predictor did with them.", "upstream", "model", "reason")
	predictorDropped = family("predictor_rows_dropped_total", "Finished requests that were not looked at, because more came than are learned from.", "upstream")
	predictorReady   = family("predictor_ready", "Whether enough requests finished to predict by more than their size.", "upstream")
	predictorModels  = family("predictor_models", "Models that are learned apart from the others, by whether enough of their requests finished to predict them so.", "upstream", "state")
	predictorEvicted = family("predictor_models_evicted_total", "Models that left for others, because there were too many.", "upstream")
	predictorRule    = family("predictor_rule_in_use", "Whether the work of the model's requests is predicted by this rule now.", "upstream", "model", "rule")
	predictorR2      = family("predictor_r2_ratio", "Part of the variance of work that the rule explains, on requests that it has not learned from; 1 is exact.", "upstream", "model", "rule")
	predictorError   = family("predictor_mean_absolute_error", "Mean distance between predicted and true work on such requests, in seconds of one slot times its capacity.", "upstream", "model", "rule")
)

func (s *page) predictor(p *PredictorState) {
	s.counter(predictorDropped, p.Dropped, p.Upstream)
	s.flag(predictorReady, p.Ready, p.Upstream)
	s.gauge(predictorModels, float64(p.Known), p.Upstream, "ready")
	s.gauge(predictorModels, float64(p.Learning), p.Upstream, "learning")
	s.counter(predictorEvicted, p.Evicted, p.Upstream)
	for _, m := range p.Models {
		for reason, n := range m.Rows {
			if m.Model == "" { // apart, or a sum over models would count each row twice
				s.counter(predictorRows, n, p.Upstream, reason)
			} else {
				s.counter(predictorOfModel, n, p.Upstream, m.Model, reason)
			}
		}
		for _, score := range m.Scores {
			s.flag(predictorRule, score.Rule == m.Rule, p.Upstream, m.Model, score.Rule)
			s.gauge(predictorR2, score.R2Ratio, p.Upstream, m.Model, score.Rule)
			s.gauge(predictorError, score.MeanAbsoluteError, p.Upstream, m.Model, score.Rule)
		}
	}
}
