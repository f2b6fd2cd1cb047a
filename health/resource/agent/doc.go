// Package agent tells in Prometheus' text how a machine fares: CPU, memory, disks, pressure, and NVIDIA's GPUs. It is for
// machines where no node_exporter runs, so its names are those of node_exporter and of DCGM exporter: what reads one
// reads the other.
//
//   - The machine is read from /proc at each scrape, on Linux; elsewhere New says what to run instead.
//   - A file system that does not answer, as one of a dead server does, is left out until it does, and delays nobody.
//   - nvidia-smi may take seconds or hang. Run asks it, and a scrape shows what it said last.
//   - With Container the limits of the agent's own container count as the machine: that is right where the engine runs
//     in the same container, and wrong in a sidecar, which has limits of its own. So somebody has to say it.
//
// An example:
//
//	a, err := agent.New(agent.Options{})
//	go a.Run(ctx)
//	err = a.Write(w)
package agent
