// Stands in for Elasticsearch, the brokers and Camunda's applications on a test's node.
//
// What matters to an upgrade is as in the real ones: it keeps data on its volume, and ends at once where the volume is not
// writable, or has the data of a newer version or of another node. On an empty volume it starts, and says so. It keeps one
// text, the marker, for whoever asks at /marker, and answers all probes.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	job := ""
	if len(os.Args) > 1 {
		job = os.Args[1]
	}
	switch job {
	case "":
		serve(os.Getenv("STANDS_IN_FOR"))
		<-end
		// A real one writes what it has to write before it ends.
		late, _ := time.ParseDuration(os.Getenv("STAND_IN_ENDS_LATE"))
		time.Sleep(late)
		return
	case "pause":
	case "job":
		os.Exit(runJob(end))
	default:
		fail("no such command: %s", job)
	}
	<-end
}

// A migration: it takes some seconds, and fails where the pod is told to fail.
func runJob(end <-chan os.Signal) int {
	select {
	case <-time.After(2 * time.Second):
	case <-end:
		return 1
	}
	if os.Getenv("STAND_IN_FAILS") != "" {
		say("the migration fails, as STAND_IN_FAILS says")
		return 1
	}
	say("the migration is done")
	return 0
}

func say(format string, args ...any) {
	fmt.Printf("stand-in: "+format+"\n", args...)
}

func fail(format string, args ...any) {
	say(format, args...)
	os.Exit(1)
}
