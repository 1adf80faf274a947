// SPDX-License-Identifier: MIT

// Go's channels as a peer of bench: the same work, the same counts, the same
// checks.  It reads counts on standard input, does a repetition of so many
// elements for each and answers with a line of figures; see ../../turn.c.
//
//	MODE WORKLOAD CAPACITY ELEMENT-SIZE PRODUCERS CONSUMERS CHANNELS
//
// MODE is `goroutines`, or `threads`: each goroutine keeps a thread of its own.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
)

// job is what does not change between repetitions.
type job struct {
	threads                        bool
	workload                       string
	capacity                       int // -1: N
	size                           int
	producers, consumers, channels int
}

// settle gives the calling goroutine its thread, where it shall have one.
func (j *job) settle() {
	if j.threads {
		runtime.LockOSThread()
	}
}

func die(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "bench-go: "+format+"\n", values...)
	os.Exit(1)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		die("not a number: %s", text)
	}
	return n
}

func parse(arguments []string) *job {
	if len(arguments) != 7 {
		die("want 7 arguments; see main.go")
	}
	j := &job{threads: arguments[0] == "threads", workload: arguments[1]}
	if arguments[2] == "N" {
		j.capacity = -1
	} else {
		j.capacity = number(arguments[2])
	}
	j.size = number(arguments[3])
	j.producers = number(arguments[4])
	j.consumers = number(arguments[5])
	j.channels = number(arguments[6])
	return j
}

func main() {
	j := parse(os.Args[1:])
	j.settle()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		count, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil && in.Text() == "" {
			continue // the line that says that futex calls are counted
		}
		if err != nil || count == 0 {
			break
		}
		debug.FreeOSMemory() // nor does anybody else begin with warm memory
		var f figures
		switch j.size {
		case 8:
			f = run[[1]uint64](j, count)
		case 32:
			f = run[[4]uint64](j, count)
		case 256:
			f = run[[32]uint64](j, count)
		default:
			die("no elements of %d bytes", j.size)
		}
		fmt.Printf("%d %.1f %.3f %.1f %.3f %.6f\n", f.count, f.wall, f.ns,
			f.p99, f.cpu, f.switches)
	}
}
