/*
Copyright 2026 The eventing-ptp Authors

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/eventing-ptp/eventing-ptp/test/sandbox"
)

// debianKeyring holds the keys that sign Debian's releases
// (package debian-archive-keyring).
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// daemon is a program that can be run.
type daemon struct {
	argv []string // behind the dynamic loader where it brings its own C library
}

func (d daemon) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, d.argv[0], append(d.argv[1:len(d.argv):len(d.argv)], args...)...)
}

// findDaemon returns a daemon of Debian's, which is downloaded, verified and unpacked once below the
// user's cache directory, if it runs with a flag that lets it say its version. Nothing is installed.
func findDaemon(ctx context.Context, name, versionFlag string, p debianPackage) (daemon, error) {
	dir, err := once(ctx, p.packages[0]+"-"+p.version, func(dir string) error {
		return unpack(ctx, dir, p, func(tree string) error {
			_, err := run(daemonIn(tree, name).command(ctx, versionFlag))
			return err
		})
	})
	if err != nil {
		return daemon{}, fmt.Errorf("find %s: %w", name, err)
	}
	return daemonIn(dir, name), nil
}

// once returns a directory in the user's cache directory, which is filled if it is not there. Several
// processes may call it at the same time.
func once(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	cache, err := sandbox.CacheDir()
	if err != nil {
		return "", err
	}
	lock, err := sandbox.Lock(ctx, cache)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, fill(dir)
}

// unpack fetches packages into dir, which appears only when it is complete and check
// finds nothing wrong with it.
func unpack(ctx context.Context, dir string, p debianPackage, check func(tree string) error) error {
	scratch, err := os.MkdirTemp(filepath.Dir(dir), ".fetch-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	tree := filepath.Join(scratch, "tree")
	err = fetchDebian(ctx, filepath.Join(scratch, "apt"), tree, p)
	if err == nil {
		err = check(tree)
	}
	if err != nil {
		return fmt.Errorf("fetch the package of Debian %s: %w", p.release, err)
	}
	return os.Rename(tree, dir)
}

// daemonIn returns a daemon that was unpacked in dir. With a C library beside it, it has to be run
// by that library's own loader (ld.so(8)).
func daemonIn(dir, name string) daemon {
	argv := []string{filepath.Join(dir, "usr", "sbin", name)}
	loaders, _ := filepath.Glob(filepath.Join(dir, "usr", "lib", "*", "ld-linux*.so.*"))
	if len(loaders) > 0 {
		argv = append([]string{loaders[0], "--library-path", filepath.Dir(loaders[0])}, argv...)
	}
	return daemon{argv}
}

// fetchDebian downloads the packages of one Debian release from the machine's
// own mirror and unpacks them into tree. apt verifies them with the machine's
// keyring: Debian signs each release with the keys of the one before, too.
//
// state is a directory to be made for apt's own files, so that the machine's apt
// is neither asked nor changed.
func fetchDebian(ctx context.Context, state, tree string, p debianPackage) error {
	if err := configureApt(ctx, state, p.release); err != nil {
		return err
	}
	apt := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-qq"}, args...)...)
		cmd.Dir = filepath.Join(state, "debs")
		cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(state, "apt.conf"), "LC_ALL=C")
		_, err := run(cmd)
		return err
	}
	if err := apt("update"); err != nil {
		return err
	}
	if err := apt(append([]string{"download"}, p.packages...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(state, "debs", "*.deb"))
	for _, deb := range debs {
		if _, err := run(exec.CommandContext(ctx, "dpkg-deb", "-x", deb, tree)); err != nil {
			return err
		}
	}
	return err
}

// configureApt writes what apt needs in order to know one release and nothing
// else.
func configureApt(ctx context.Context, state, release string) error {
	mirror, err := machineMirror(ctx)
	if err != nil {
		return err
	}
	acquire, err := run(exec.CommandContext(ctx, "apt-config", "dump", "Acquire"))
	if err != nil {
		return err
	}
	for _, dir := range []string{"lists/partial", "archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(state, dir), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"status":       "",
		"sources.list": fmt.Sprintf("deb [signed-by=%s] %s %s main\n", debianKeyring, mirror, release),
		"apt.conf":     string(acquire) + aptConfig(state),
	} {
		if err := os.WriteFile(filepath.Join(state, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// machineMirror returns the URI of Debian's archive in the machine's own apt
// sources.
func machineMirror(ctx context.Context) (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	codename := osCodename(string(release))
	if codename == "" {
		return "", errors.New("this machine does not run a Debian release (/etc/os-release)")
	}
	targets, err := run(exec.CommandContext(ctx, "apt-get", "indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"))
	if err != nil {
		return "", err
	}
	mirror := mirrorOf(string(targets), codename)
	if mirror == "" {
		return "", fmt.Errorf("the machine's apt sources have no mirror of Debian %s main", codename)
	}
	return mirror, nil
}

// osCodename returns the release's code name from os-release(5), empty if the
// system is not Debian.
func osCodename(osRelease string) string {
	fields := map[string]string{}
	for line := range strings.Lines(osRelease) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[name] = strings.Trim(value, `"`)
	}
	if fields["ID"] != "debian" {
		return ""
	}
	return fields["VERSION_CODENAME"]
}

// mirrorOf picks the URI that serves the main component of a release from lines
// "URI release component".
func mirrorOf(targets, codename string) string {
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 3 && (f[1] == codename || f[1] == "stable") && f[2] == "main" {
			return f[0]
		}
	}
	return ""
}

// aptConfig moves everything that apt reads or writes into dir (apt.conf(5)).
// What the machine says about reaching its mirror (Acquire, for example a
// proxy) is put before it; its hooks and pins are left out.
func aptConfig(dir string) string {
	return fmt.Sprintf(`
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "%[1]s/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "%[1]s";
Dir::State::status "%[1]s/status";
Dir::Cache "%[1]s";
#clear Acquire::Languages;
Acquire::Languages "none";
APT::Update::Error-Mode "any";
// root's cache directory is closed to apt's own user.
APT::Sandbox::User "root";
`, dir)
}

// run executes a command and returns what it prints; an error carries the
// command's own last words.
func run(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, sandbox.LastLines(stderr.String(), 3))
	}
	return stdout.Bytes(), nil
}
