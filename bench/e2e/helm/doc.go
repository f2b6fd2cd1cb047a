// Package helm has Helm itself render the chart, and the real program check the configuration in it. It is a module of its
// own, so that nothing of Helm comes near the program's; `make e2e-helm` runs it.
package helm
