# The development image: everything that building and testing needs, and no sources. From the project's root:
#   docker build -f docker/dev.Dockerfile -t leat-dev .
#   docker run --rm -it -v "$PWD":/leat leat-dev tools/test
FROM debian:bookworm
WORKDIR /leat
COPY tools/setup tools/setup
RUN tools/setup --yes \
 && apt-get install -y --no-install-recommends gdb less \
 && rm -rf /var/lib/apt/lists/*
ENV CCACHE_DIR=/leat/.cache/ccache
# The sources belong to whoever mounted them.
RUN git config --system --add safe.directory /leat
CMD ["bash"]
