package simulation;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Abortable;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;
import org.apache.hadoop.util.Progressable;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** S3 as S3A shows it to the log store: conditional PUTs, reads and listings, each a turn, each with its faults. */
public final class FakeStore extends FileSystem {
  private static final String IF_ABSENT = "fs.option.create.conditional.overwrite";
  private static World world;

  /** All stores of this process speak of one world at a time. */
  static void enter(World entered) {
    world = entered;
  }

  @Override
  public URI getUri() {
    return world.bucket;
  }

  @Override
  public FSDataOutputStreamBuilder createFile(Path path) {
    return new Builder(this, path).create();
  }

  private static final class Builder extends FSDataOutputStreamBuilder<FSDataOutputStream, Builder> {
    Builder(FileSystem system, Path path) {
      super(system, path);
    }

    @Override
    public FSDataOutputStream build() {
      boolean ifAbsent = getOptions().getBoolean(IF_ABSENT, false);
      return new FSDataOutputStream(new Upload(getPath().toUri().getPath(), ifAbsent), null);
    }

    @Override
    public Builder getThisBuilder() {
      return this;
    }
  }

  private static final class Upload extends OutputStream implements Abortable {
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final String key;
    private final boolean ifAbsent;
    private boolean ended;

    Upload(String key, boolean ifAbsent) {
      this.key = key;
      this.ifAbsent = ifAbsent;
    }

    @Override
    public void write(int one) {
      sent.write(one);
    }

    @Override
    public void write(byte[] some, int from, int length) throws IOException {
      // S3A buffers on the disk, which may be full.
      if (sent.size() > 0 && world.any(6) == 0 && !world.fault("write fails").isEmpty()) {
        throw new IOException("no space left on device");
      }
      sent.write(some, from, length);
    }

    @Override
    public AbortableResult abort() {
      ended = true;
      return null;
    }

    @Override
    public void close() throws IOException {
      if (!ended) {
        ended = true;
        put(key, sent.toByteArray(), ifAbsent);
      }
    }
  }

  /** One PUT: what the server does, and what the client hears of it. */
  private static void put(String key, byte[] content, boolean ifAbsent) throws IOException {
    world.turn("PUT " + name(key));
    String fault = world.fault("lost answer", "lost for ever", "late", "throttled", "conflict", "duplicate");
    switch (fault) {
      case "throttled" -> throw new IOException("503 SlowDown");
      // A server that knows nothing of conditions knows no conflicts.
      case "conflict" -> throw world.careless ? new IOException("503 SlowDown") : new IOException("409", S3Exception.builder().statusCode(409).build());
      case "lost for ever" -> throw new IOException("connection reset");
      case "late" -> {
        world.later(() -> world.write(key, content, ifAbsent, "late "));
        throw new IOException("timed out");
      }
      default -> {
        boolean written = world.write(key, content, ifAbsent, "");
        world.turn("answer of PUT " + name(key));
        if (fault.equals("lost answer")) {
          throw new IOException("connection reset");
        }
        // S3A sends again by itself what it has heard nothing of: the second is refused.
        if (!written || fault.equals("duplicate") && !world.write(key, content, ifAbsent, "again ")) {
          throw new RemoteFileChangedException(key, "put", "412");
        }
      }
    }
  }

  static String name(String key) {
    return key.substring(key.lastIndexOf('/') + 1).replaceFirst("^0+(?=\\d)", "");
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    String key = path.toUri().getPath();
    world.turn("GET " + name(key));
    if (!world.fault("read fails").isEmpty()) {
      throw new IOException("500 InternalError");
    }
    byte[] content = world.objects.get(key);
    if (content == null) {
      throw new FileNotFoundException(key);
    }
    return new FSDataInputStream(new Bytes(content));
  }

  private static final class Bytes extends FSInputStream {
    private final byte[] content;
    private int at;

    Bytes(byte[] content) {
      this.content = content;
    }

    @Override
    public int read() {
      return at < content.length ? content[at++] & 0xff : -1;
    }

    @Override
    public void seek(long to) {
      at = (int) to;
    }

    @Override
    public long getPos() {
      return at;
    }

    @Override
    public boolean seekToNewSource(long target) {
      return false;
    }
  }

  @Override
  public FileStatus[] listStatus(Path folder) throws IOException {
    world.turn("LIST");
    List<FileStatus> found = new ArrayList<>();
    String prefix = folder.toUri().getPath() + "/";
    new TreeMap<>(world.objects).forEach((key, content) -> {
      if (key.startsWith(prefix)) {
        found.add(new FileStatus(content.length, false, 1, 1, 0, new Path(world.bucket + key)));
      }
    });
    if (!found.isEmpty() && !world.fault("stale listing").isEmpty()) {
      found.remove(found.size() - 1);
    }
    return found.toArray(new FileStatus[0]);
  }

  @Override
  public FileStatus getFileStatus(Path path) {
    return new FileStatus(0, true, 1, 1, 0, path);
  }

  @Override
  public void initialize(URI name, Configuration options) {
    setConf(options);
  }

  @Override
  public void setWorkingDirectory(Path path) {}

  @Override
  public Path getWorkingDirectory() {
    return new Path("/");
  }

  // The log store has no business with the rest.

  @Override
  public FSDataOutputStream create(
      Path path, FsPermission permission, boolean overwrite, int buffer, short copies, long block, Progressable told) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable told) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean rename(Path from, Path to) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean delete(Path path, boolean recursive) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) {
    throw new UnsupportedOperationException();
  }
}
