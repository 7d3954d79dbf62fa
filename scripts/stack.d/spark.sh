# Apache Spark standalone, from the jars of its Python package: a master and a worker of two cores, with this repository's package and library.
# shellcheck shell=bash disable=SC2154 # dir, cache and stack_root come from scripts/stack
names() { echo spark; }

spark_python() { echo "${cache%/stack}/venv-spark/bin/python"; }
spark_home() { dirname "$(spark_python)" | xargs -I{} find {}/../lib -maxdepth 3 -name pyspark -type d; }
obtain() {
  [ -x "$(spark_python)" ] || [ -n "${PQR_STACK_PREPARED:-}" ] || "$stack_root/scripts/install-deps" spark || true
  [ -x "$(spark_python)" ] || cannot "spark: no Python environment of it (scripts/install-deps spark)"
  command -v java >/dev/null || cannot "spark: no Java 17"
  [ -e "${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so}" ] || cannot "spark: no libpqr.so (make build)"
}
start() {
  local port
  port=$(port_of spark)
  launch spark env PYTHONPATH="$stack_root/python" PYTHONDONTWRITEBYTECODE=1 PQR_LIB="${PQR_LIB:-${PQR_BUILD:-$stack_root/build}/libpqr.so}" \
    SPARK_HOME="$(spark_home)" SPARK_LOCAL_IP=127.0.0.1 SPARK_DAEMON_MEMORY=256m \
    bash "$stack_root/scripts/stack.d/spark/cluster" "$port" "$(port_of spark ui)" "$(port_of spark worker)" "$dir/spark/work"
  put_env spark SPARK_MASTER "spark://127.0.0.1:$port" PQR_STACK_SPARK_PYTHON "$(spark_python)" SPARK_LOCAL_IP 127.0.0.1 \
    PYSPARK_PYTHON "$(spark_python)"
}
healthy() { curl -fsS --max-time 5 "http://127.0.0.1:$(port_of spark ui)/json/" | grep -qE '"aliveworkers" ?: ?1'; }
where() { echo "spark://127.0.0.1:$(port_of spark)"; }
