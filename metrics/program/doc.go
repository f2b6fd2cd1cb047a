// Package program runs programs that people name in the configuration: without a shell, in a process
// group of their own that ends as a whole when the time is over, and without the variables that speak
// to this process. Of what one writes the end is kept.
//
//	output, err := program.Run(ctx, program.Options{
//		Args: []string{"systemctl", "restart", "vllm"}, Env: [][2]string{{"REASON", "3 failures"}},
//	})
package program
