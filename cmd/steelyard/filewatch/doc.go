// Package filewatch tells when files have changed, and have been quiet since.
//
// What counts is what the files are: where their paths lead, their size and the moment of their
// last change, looked at every few seconds. So it makes no difference how a file was replaced: written in
// place, by an editor that renames, or by Kubernetes, which moves a symbolic link that the
// path leads through. The system's notes (inotify, kqueue) on the folders make it look at once. Where
// there are none, as on some network disks, and for want of inotify watches, the looks suffice.
//
// A file that is being written is not taken: the change is told when nothing has moved for a while.
//
//	err := filewatch.Run(ctx, filewatch.Options{Files: files, Changed: reload, Log: log})
package filewatch
