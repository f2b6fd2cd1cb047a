// Package table fits a linear model to the numeric columns of any table: a label from
// features. It shares the way of learning with package predict, whose rows are requests,
// but nothing of its files: a model of a table says nothing of requests.
//
// Rows cleans what it is given and counts why it leaves rows out. Fit sets a part of the
// rows apart by a seed, standardises the rest, finds the rate and the regularisation by
// trying, descends the gradient, and holds the outcome against the rows set apart and
// against their mean.
//
//	rows := table.NewRows([]string{"feature_1", "feature_2"}, "label")
//	rows.Add([]string{"1.5", "2"}, "7.1") // for each row of a file
//	model, report, err := rows.Fit(table.Options{Test: 0.2})
//	err = model.Save("model.json")
//	y := model.Predict([]float64{1.5, 2})
package table
