# The Kafka broker: the released artifacts with what they need at run time, from Maven Central. Sourced by setup.sh.
kafka_version=4.3.1
kafka_log4j_version=2.25.4

setup_kafka_broker() {
  if kept_as kafka "kafka-$kafka_version"; then return; fi
  if ! command -v mvn >/dev/null; then install_packages maven; fi
  local new
  new=$(fresh_folder)
  # log4j-slf4j-impl ties the broker's logging to log4j-core; without it a broker is mute.
  cat >"$new/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>milepost</groupId><artifactId>test-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$kafka_log4j_version</version></dependency>
  </dependencies>
</project>
POM
  step "fetching Kafka $kafka_version" 900 mvn -q -B -f "$new/pom.xml" -Dmaven.repo.local="$new/repository" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$new/libs"
  rm -rf "$new/repository"
  keep "$new" "kafka-$kafka_version"
  kept_as kafka "kafka-$kafka_version"
}
