//! What answers for pods where a backup is restored: Elasticsearch, which keeps its indices, and brokers that restore where they are told to.

use std::{fs, path::Path};

use crate::planning::Desk;

/// The backup's number.
pub const ID: &str = "1748937221";

/// What Elasticsearch has in its repository, a backup of other days among it.
pub const SNAPSHOTS: &str = "camunda_optimize_1748937221_8.7.26_part_1_of_2 SUCCESS
camunda_optimize_1748937221_8.7.26_part_2_of_2 SUCCESS
camunda_operate_1748937221_8.7.37_part_1_of_2 SUCCESS
camunda_operate_1748937221_8.7.37_part_2_of_2 SUCCESS
camunda_tasklist_1748937221_8.7.37_part_1_of_1 SUCCESS
camunda_zeebe_records_backup_1748937221 SUCCESS
camunda_operate_17489372211_8.7.37_part_1_of_1 SUCCESS
camunda_zeebe_records_backup_1748000000 SUCCESS
";

/// Its indices; somebody else's are in the same store.
pub const INDICES: &str = "operate-event-8.3.0_
tasklist-task-8.5.0_
zeebe-record_process_8.7.0_2026-01-31
acme-operate-reports
.kibana_1
";

/// Answers in the place of what needs a pod: Elasticsearch, which keeps its indices, and brokers that restore where they are told to.
pub fn stand_in(desk: &Desk<'_, '_>, snapshots: &str) {
    let store = desk.shell.dir().join(".store");
    fs::create_dir(&store).unwrap();
    fs::write(store.join("snapshots"), snapshots).unwrap();
    fs::write(store.join("indices"), INDICES).unwrap();
    let script = |real: &Path| {
        format!(
            r#"#!/bin/bash
cd '{store}'
real='{real}'
last=${{!#}}
case " $* " in
*' exec '*)
  path=${{last#http://localhost:9200/}}
  case " $* " in
  *' -X DELETE '*) echo "DELETE $path" >> asked; grep -vxF "$path" indices > kept; mv kept indices ;;
  *' -X POST '*) echo "POST $path" >> asked; echo '{{"snapshot":{{"shards":{{"total":1,"failed":0,"successful":1}}}}}}' ;;
  *' -X PUT '*) cat > repository ;;
  *' -X GET '*)
    case $path in
    _cat/snapshots/snapshots*) cat snapshots ;;
    _cat/indices*) cat indices ;;
    _snapshot/snapshots*) echo '{{"snapshots":{{"type":"s3","settings":{{"bucket":"acme"}}}}}}' ;;
    *) exit 22 ;;
    esac ;;
  esac
  exit ;;
*' logs '*)
  [ ! -e "silent-$last" ] || exit 0
  id='jsonpath={{.spec.template.spec.containers[0].env[?(@.name=="ZEEBE_RESTORE_FROM_BACKUP_ID")].value}}'
  [ "$("$real" "$1" "$2" get statefulset camunda-zeebe -o "$id")" = {ID} ] || exit 0
  "$real" "$1" "$2" get pod "$last" -o name >/dev/null && echo 'Successfully restored broker from backup {ID}'
  exit ;;
*restartCount*)
  [ ! -e "silent-$last" ] || echo 3
  exit ;;
esac
cd - >/dev/null
exec "$real" "$@"
"#,
            store = store.display(),
            real = real.display()
        )
    };
    desk.shell.replace("kubectl", script).unwrap();
}

/// A file of what answers.
pub fn store(desk: &Desk<'_, '_>, file: &str) -> String {
    fs::read_to_string(desk.shell.dir().join(".store").join(file)).unwrap_or_default()
}
