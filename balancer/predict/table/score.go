// How well rows are predicted that nothing was learned from.

package table

import "math"

// Score is how well rows are predicted that nothing was learned from.
type Score struct {
	Rows int     `json:"rows"`
	R2   float64 `json:"r2"`   // 1 − Σ(h−y)² / Σ(y−ȳ)²: 1 is exact, 0 no better than the mean; 0 when all labels are the same
	MAE  float64 `json:"mae"`  // mean of |h−y|
	RMSE float64 `json:"rmse"` // root of the mean of (h−y)²
}

// Scorer sums up predictions and what was true.
type Scorer struct {
	rows, mean, spread float64 // spread is Σ(y−ȳ)²
	square, absolute   float64
}

// Add takes one more.
func (s *Scorer) Add(predicted, label float64) {
	s.rows++
	delta := label - s.mean
	s.mean += delta / s.rows
	s.spread += delta * (label - s.mean)
	miss := predicted - label
	s.square += miss * miss
	s.absolute += math.Abs(miss)
}

// Score returns the score of all that were added.
func (s *Scorer) Score() Score {
	if s.rows == 0 {
		return Score{}
	}
	score := Score{Rows: int(s.rows), MAE: s.absolute / s.rows, RMSE: math.Sqrt(s.square / s.rows)}
	if s.spread > 0 {
		score.R2 = 1 - s.square/s.spread
	}
	return score
}

// score predicts some rows.
func (r *Rows) score(rows []int, predict func([]float64) float64) Score {
	k := len(r.Features)
	var s Scorer
	for _, i := range rows {
		s.Add(predict(r.x[i*k:(i+1)*k]), r.y[i])
	}
	return s.Score()
}
