// Package resource hears what nodes say of themselves: CPU, memory, disk and GPU, by Prometheus' node_exporter, NVIDIA's
// DCGM exporter, steelyard's own agent, and the engines' pages. It judges no endpoint and routes nothing: it tells
// whoever asks, and says how old that is.
//
//   - table.go names what is read, and of whom.
//   - page.go keeps the lines of a page that are wanted, and has the library read them. Pages of 100,000 lines cost little.
//   - A reading is what one page said. Rates need two of them: a counter that went back, because its machine has
//     started again, gives none until the next.
//   - A Node is what one endpoint has: one or more exporters, and of a machine that it shares its own GPUs and folders.
//     Ten endpoints of one machine ask its exporter once.
//
// A figure that is not known is left out. It is never zero: nothing is scaled and nobody is told by what nobody has said.
// What is older than three intervals is not known any more.
//
//	w := resource.New(resource.Options{})
//	go w.Run(ctx)
//	n := w.Follow([]string{"http://10.0.0.1:9100/metrics"}, resource.Of{}, sink)
//	report := n.Report()
//	n.End()
//
// RESOURCES.md says what users see of it.
package resource
