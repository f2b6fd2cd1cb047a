// The command, on systems where it cannot run.

//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "put proxies through hardships: needs Linux (/proc, and the signals of its nginx and HAProxy): run it there")
	os.Exit(1)
}
