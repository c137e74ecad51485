// Package lab is a network and a mount table that a run has to itself, so that
// it can cut the one and fill disks of the other, and nothing of the machine's is
// touched:
//
//	devices, clients ── 127.0.0.1, 127.1.0.1 ... ── hub ──┬── node 0, 127.0.1.1
//	                                                      ├── node 1, 127.0.1.2
//	                                                      └── node 2, 127.0.1.3
//
// Enter runs this program again in namespaces of its own, where Open makes the
// hub and a network namespace for each node, with a veth pair in between. All
// that nodes say to one another is forwarded by the hub, and a cut is a rule of
// its routing that swallows what goes from one node to another: nobody is told,
// and what goes the other way still arrives. The rules need no module of the
// kernel beyond veth.
//
// All addresses are those of the loopback, which the kernel forwards where it is
// asked to (route_localnet): nodes keep to the rules that they have for it.
//
// Root is not needed where user namespaces are allowed. The tool ip of iproute2
// is.
package lab
