// Package demo is `steelyard demo`: everything steelyard is for, in one process
// and without a file. It starts three simulated inference servers of unequal
// capacity, the gateway in front of them with the configuration a user would
// write, and a gentle open-loop load, and shows how the load is shared.
//
// What the table says is measured: requests and response times are the
// gateway's own metrics, read as a scrape would read them, in flight and health
// its pools' snapshots, and the last line is what the load's client saw. The
// demo owns the order of starting and stopping and the terminal; it decides
// nothing about requests.
//
//	root.AddCommand(demo.Command())
package demo
