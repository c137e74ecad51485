package servertest

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Main serves with the flags of a real server until SIGTERM, and returns the
// exit status. --fail has it end at once, with a reason on stderr. Its data
// directory gets a file of its devices, which it knows again after a kill.
func Main(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("servertest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "", "")
	coapAddress := flags.String("coap", "", "")
	httpAddress := flags.String("http", "", "")
	coapsAddress := flags.String("coaps", "", "")
	fail := flags.Bool("fail", false, "")
	flags.Bool("accept-unknown", false, "")
	for _, taken := range []string{"log-level", "cache", "max-awake"} {
		flags.String(taken, "", "")
	}
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *fail {
		fmt.Fprintln(stderr, "failing as told")
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	s, err := listen(*coapAddress, *httpAddress, filepath.Join(*data, "devices"))
	if err == nil && *coapsAddress != "" {
		err = s.Secure(*coapsAddress)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	<-stop
	if err := s.Close(); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// Called reports that a program was called with the flags that package server
// gives to one: its TestMain then runs Main.
func Called(args []string) bool { return len(args) > 2 && args[1] == "--data" }
