// Package demo is `steelyard demo`: everything steelyard is for, in one process
// and without a file. It starts three simulated inference servers of unequal
// capacity, the gateway in front of them with the configuration a user would
// write, and a gentle open-loop load, and shows how the load is shared.
//
// All figures in the table are measured: requests and response times come from
// the gateway's own metrics, read as a scrape reads them, in flight and health
// from its pools' snapshots, and the last line from the load's client. The demo
// owns the terminal and the order of starting and stopping; it decides nothing
// about requests.
//
//	root.AddCommand(demo.Command())
package demo
