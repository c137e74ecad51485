// Package cli is the commands of the dormouse binary. Some ask a node which is
// running: they call its HTTP API and say what came of it. Others make files, and
// need none. Data goes to the standard output, sentences to the standard error;
// the status is 0 when it was done, 1 when it was refused or nobody answered, and
// 2 when the command says nothing that could be done.
package cli
