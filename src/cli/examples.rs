//! What stands at the end of each command's help. Lines are short enough for a manual page of 80 columns, which indents them.

pub(super) const SERVE: &str = "\
Examples:
  With a certificate that the guard makes and renews itself:
    camunda-upgrade-guard serve \\
      --tls-secret guard/camunda-upgrade-guard-ca \\
      --tls-name camunda-upgrade-guard.guard.svc

  Check a configuration and exit:
    camunda-upgrade-guard serve --config config.yaml --check-config \\
      --tls-cert tls.crt --tls-key tls.key";

pub(super) const CHECK: &str = "\
Examples:
  An upgrade to a chart, which helm renders:
    camunda-upgrade-guard check camunda -n camunda \\
      --chart camunda/camunda-platform --version 13.13.0 -f values.yaml

  What helm would do, with all its own flags:
    helm upgrade camunda camunda/camunda-platform -n camunda \\
      --dry-run=server -o json | camunda-upgrade-guard check -

  What the last upgrade has left to do:
    camunda-upgrade-guard check camunda -n camunda

  A rollback:
    camunda-upgrade-guard check camunda -n camunda --rollback 3

  For a pipeline without a cluster:
    camunda-upgrade-guard check camunda -i manifest.yaml \\
      -f values.yaml --snapshot camunda.snapshot -o sarif";

pub(super) const RULES: &str = "\
Examples:
  camunda-upgrade-guard rules
  camunda-upgrade-guard rules -o json";

pub(super) const SCAN: &str = "\
Examples:
  All releases that you may see:
    camunda-upgrade-guard scan -A

  One namespace, for a program:
    camunda-upgrade-guard scan -n camunda -o json";

pub(super) const PLAN: &str = "\
Examples:
  From where the release is to chart 13:
    camunda-upgrade-guard plan camunda -n camunda --to 13.13.0 \\
      -f values.yaml

  The same as a script that asks before each step:
    camunda-upgrade-guard plan camunda -n camunda --to 13.13.0 \\
      -f values.yaml -o shell > upgrade.sh

  Back to a backup that chart 12.13.3 has made, whatever runs now:
    camunda-upgrade-guard plan camunda -n camunda \\
      --restore 1748937221 --to 12.13.3 -o shell > restore.sh";

pub(super) const CONVERT: &str = "\
Examples:
  Values files from chart 12 to 15, without a cluster:
    camunda-upgrade-guard convert -f base.yaml -f prod.yaml \\
      --from 12 --to 15 --output-dir values-15

  What that would change, for a pipeline:
    camunda-upgrade-guard convert -f values.yaml --from 13 --to 14 \\
      -o sarif=values.sarif -o text

  What a release was given, with what only the cluster knows:
    camunda-upgrade-guard convert camunda -n camunda --to 13.13.0 \\
      -f values.yaml -o camunda-13.yaml";

pub(super) const VALIDATE: &str = "\
Examples:
  camunda-upgrade-guard validate -f base.yaml -f prod.yaml --line 14";

pub(super) const EXPLAIN: &str = "\
Examples:
  A rule, by the id that a refusal prints in brackets:
    camunda-upgrade-guard explain claims-orphaned

  How to go ahead against a refusal:
    camunda-upgrade-guard explain override

  All words, or one of them:
    camunda-upgrade-guard explain glossary
    camunda-upgrade-guard explain hop";

pub(super) const POST_RENDER: &str = "\
Examples:
  What helm's post-renderer gets on its standard input:
    camunda-upgrade-guard post-render camunda -n camunda \\
      -f values.yaml";

pub(super) const SNAPSHOT: &str = "\
Examples:
  Keep what check needs, and judge against it where no cluster is:
    camunda-upgrade-guard snapshot -n camunda -o camunda.snapshot
    camunda-upgrade-guard check camunda -i manifest.yaml \\
      -f values.yaml --snapshot camunda.snapshot";

pub(super) const REBIND: &str = "\
Examples:
  Look at the steps, then do them:
    camunda-upgrade-guard rebind camunda -n camunda --dry-run
    camunda-upgrade-guard rebind camunda -n camunda

  Take the volumes back, until the new claims are Bound:
    camunda-upgrade-guard rebind camunda -n camunda --undo";

pub(super) const RELABEL: &str = "\
Examples:
  Look at the steps, then do them:
    camunda-upgrade-guard relabel camunda -n camunda --dry-run
    camunda-upgrade-guard relabel camunda -n camunda";

pub(super) const RESCUE: &str = "\
Examples:
  Keep the credentials, and print the values that use them in chart 13:
    camunda-upgrade-guard rescue camunda -n camunda \\
      --to camunda-credentials --for 13";

pub(super) const READY: &str = "\
Examples:
  camunda-upgrade-guard ready 127.0.0.1:8080";

pub(super) const WEBHOOKS: &str = "\
Examples:
  For a guard that keeps its own authority:
    camunda-upgrade-guard webhooks --self-managed \\
      --service guard/camunda-upgrade-guard | kubectl apply -f -

  For one outside the cluster:
    camunda-upgrade-guard webhooks --url https://10.0.0.7:8443 \\
      --ca ca.crt";

pub(super) const COMPLETIONS: &str = "\
Examples:
  camunda-upgrade-guard completions bash > \\
    ~/.local/share/bash-completion/completions/camunda-upgrade-guard";

pub(super) const MAN: &str = "\
Examples:
  camunda-upgrade-guard man | man -l -
  camunda-upgrade-guard man --out ~/.local/share/man/man1";
