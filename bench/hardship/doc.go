// Command hardship puts steelyard, nginx and HAProxy through the same bad days, with real processes and raw sockets, and
// prints what each did beside what is right. It ends with 1 when steelyard did anything else.
//
//	go run ./bench/hardship                                   # everything, under five minutes
//	go run ./bench/hardship -only hung-server,slow-uploads
//	go run ./bench/hardship -alone                            # without nginx and HAProxy
//	go run ./bench/hardship -binary old/steelyard             # another program in steelyard's place
//	go run ./bench/hardship -before old/steelyard             # or in a column of its own, in the same run
//
// A hardship is a file with one variable of that type: what happens, what is right, who is put through it, and the
// function that does it to one program and gives a verdict. Each starts the program anew, in a folder of its own, with
// settings that are equal for all as far as they have them (bench/peers), in front of servers that live in this program.
//
// nginx and HAProxy are looked for in PATH and /usr/sbin; by root, what is missing is installed from Debian's packages,
// and otherwise its column stays empty and a line says how to get it. Verdicts of right and wrong hold on a busy machine;
// figures of time and memory are worth what the machine's rest is worth. Nothing leaves 127.0.0.1, everything is bounded
// in time, and whatever was started is ended, also on a signal. Linux only.
package main
