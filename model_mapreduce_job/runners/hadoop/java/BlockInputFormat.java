package modelmapreducejob;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.apache.hadoop.io.compress.SplittableCompressionCodec;
import org.apache.hadoop.mapred.FileInputFormat;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapred.InputSplit;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.JobConfigurable;
import org.apache.hadoop.mapred.RecordReader;
import org.apache.hadoop.mapred.Reporter;
import org.apache.hadoop.mapred.lib.CombineFileSplit;

/** Text as blocks of bytes: split as Hadoop splits it, with small files put together; or ranges of files. */
public final class BlockInputFormat extends FileInputFormat<Text, BytesWritable> implements JobConfigurable {
  /** Set to true where a file can be read from its start alone. */
  static final String WHOLE_FILES = "modelmapreducejob.whole.files";

  private CompressionCodecFactory codecs;
  private boolean wholeFiles;

  @Override
  public void configure(JobConf job) {
    codecs = new CompressionCodecFactory(job);
    wholeFiles = job.getBoolean(WHOLE_FILES, false);
  }

  @Override
  protected boolean isSplitable(FileSystem filesystem, Path file) {
    CompressionCodec codec = codecs.getCodec(file);
    return !wholeFiles && (codec == null || codec instanceof SplittableCompressionCodec);
  }

  @Override
  public InputSplit[] getSplits(JobConf job, int wanted) throws IOException {
    return job.get(NamedRanges.LIST) == null
        ? SmallFiles.together(super.getSplits(job, wanted), job, wanted)
        : NamedRanges.splits(job);
  }

  @Override
  public RecordReader<Text, BytesWritable> getRecordReader(InputSplit split, JobConf job, Reporter reporter) {
    if (split instanceof FileSplit) {
      return new BlockReader(Collections.singletonList((FileSplit) split), job, reporter);
    }
    CombineFileSplit together = (CombineFileSplit) split;
    List<FileSplit> files = new ArrayList<>();
    for (int i = 0; i < together.getNumPaths(); i++) {
      files.add(new FileSplit(
          together.getPath(i), together.getOffset(i), together.getLength(i), new String[0]));
    }
    describe(together, job);
    return new BlockReader(files, job, reporter);
  }

  /** Sets what Hadoop says of a task's file in its environment, which it doesn't do for several. */
  private static void describe(CombineFileSplit split, JobConf job) {
    int more = new HashSet<>(Arrays.asList(split.getPaths())).size() - 1;
    job.set("mapreduce.map.input.file", split.getPath(0) + (more > 0 ? " and " + more + " more" : ""));
    job.setLong("mapreduce.map.input.start", split.getOffset(0));
    job.setLong("mapreduce.map.input.length", split.getLength());
  }
}
