// Package depcache keeps dependencies of jobs on an agent's disk, by digest.
//
// A dependency is fetched from the bucket once, however many jobs ask for it at a
// time, checked against its digest on the way, unpacked beside its place, synced,
// and renamed into it: what is in the cache is whole. Its files and folders are
// read-only and are linked into work directories, never copied, so a start costs
// the same whatever its size. A seal beside the files (seal.go) shows whether
// anything was changed since, be it by a job of the agent's own user, whom modes
// do not stop: such an entry is not used again but fetched anew, while the jobs
// that have it open keep what they have.
//
// What an archive may hold is decided by what can do no harm (extract.go):
// regular files, folders, links that stay inside. Nothing an archive says makes a
// name outside of its folder, a device, or a privilege.
//
// An entry is pinned by the tokens of the attempts that use it and never goes
// while it is; without pins the one used longest ago goes first when the cache
// has grown over its bound. The package starts no work by itself: a fetch lives
// as long as somebody waits for it or the cache is open.
package depcache
