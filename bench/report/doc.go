// Package report is what a run of the bench leaves behind: figures in a Result, written as result.json, as a table for
// a terminal, and as report.html, one file with its plots in it that needs nothing from anywhere.
//
// The JSON form is read by others' scripts: fields are added, never renamed, and Schema counts up should one ever have to
// go. Times are in seconds. A figure that does not exist (of a queue that grows without bound, a quantile of no requests)
// is null there and a dash for people.
//
// Plots are drawn as SVG by templates. Colours come from the page's style sheet, so that light and dark are one file; each
// curve is named at its end, as well as in the legend, and each mark tells its figures in a tooltip.
//
// Everything here is plain data and pure functions; only Write touches files.
//
//	r := &report.Result{Scenario: "peers", ...}
//	err := report.Write(dir, r, force)   // result.json, report.html; never over older ones unless forced
//	report.Table(os.Stdout, r)
package report
