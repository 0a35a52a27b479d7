<?xml version="1.0" encoding="UTF-8"?>
<!-- The narrative of a section: known elements become their counterparts in HTML, the text of all others is kept.
     No attribute of the document is copied: each one written here is chosen, and its value checked or mapped. What
     stands where its element may not is said all the same, as a block of its own. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">

  <xsl:template match="v3:section/v3:text">
    <xsl:if test="node()">
      <div>
        <xsl:call-template name="marks"><xsl:with-param name="class">said</xsl:with-param></xsl:call-template>
        <xsl:apply-templates mode="said"/>
      </div>
    </xsl:if>
  </xsl:template>

  <xsl:template match="*" mode="said"><xsl:apply-templates mode="said"/></xsl:template>
  <xsl:template match="text()" mode="said"><xsl:value-of select="."/></xsl:template>
  <xsl:template match="comment() | processing-instruction()" mode="said"/>

  <xsl:template match="v3:content" mode="said">
    <xsl:choose>
      <xsl:when test="@revised = 'delete'"><del><xsl:call-template name="said"/></del></xsl:when>
      <xsl:when test="@revised = 'insert'"><ins><xsl:call-template name="said"/></ins></xsl:when>
      <xsl:otherwise><span><xsl:call-template name="said"/></span></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:br" mode="said"><br/><xsl:apply-templates mode="said"/></xsl:template>
  <xsl:template match="v3:sub" mode="said"><sub><xsl:call-template name="said"/></sub></xsl:template>
  <xsl:template match="v3:sup" mode="said"><sup><xsl:call-template name="said"/></sup></xsl:template>

  <!-- in HTML a paragraph holds no block -->
  <xsl:template match="v3:paragraph" mode="said"><xsl:call-template name="line"/></xsl:template>
  <xsl:template name="line">
    <xsl:param name="class"/>
    <xsl:variable name="name">
      <xsl:choose>
        <xsl:when test=".//*[self::v3:table or self::v3:list or self::v3:paragraph or self::v3:renderMultiMedia
            or self::v3:td or self::v3:th or self::v3:tr or self::v3:item]">div</xsl:when>
        <xsl:otherwise>p</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:element name="{$name}">
      <xsl:call-template name="said"><xsl:with-param name="class" select="$class"/></xsl:call-template>
    </xsl:element>
  </xsl:template>

  <!-- at the head of a paragraph or an item; elsewhere (list, image) a line of its own -->
  <xsl:template match="v3:paragraph/v3:caption | v3:item/v3:caption" mode="said">
    <xsl:text> </xsl:text>
    <strong><xsl:call-template name="said"/></strong>
    <xsl:text> </xsl:text>
  </xsl:template>
  <xsl:template match="v3:caption" mode="said">
    <xsl:call-template name="line"><xsl:with-param name="class">caption</xsl:with-param></xsl:call-template>
  </xsl:template>

  <!-- an address is written out, never followed; only a place of this page is linked to, and no link is in another -->
  <xsl:template match="v3:linkHtml" mode="said">
    <xsl:choose>
      <xsl:when test="starts-with(@href, '#') and string-length(@href) &gt; 1 and not(ancestor::v3:linkHtml)">
        <a href="#n-{substring(@href, 2)}"><xsl:call-template name="said"/></a>
      </xsl:when>
      <xsl:otherwise>
        <span><xsl:call-template name="said"/></span>
        <xsl:if test="normalize-space(@href) and not(starts-with(@href, '#'))
            and normalize-space(@href) != normalize-space()">
          <span class="aside"> [<xsl:value-of select="normalize-space(@href)"/>]</span>
        </xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- a note is read where it is written; what refers to it elsewhere says its number (r:note) -->
  <xsl:template match="v3:footnote" mode="said">
    <span role="note">
      <xsl:call-template name="marks"><xsl:with-param name="class">aside</xsl:with-param></xsl:call-template>
      <xsl:text> (</xsl:text>
      <xsl:if test="@r:note">note <xsl:value-of select="@r:note"/> : </xsl:if>
      <xsl:apply-templates mode="said"/>
      <xsl:text>)</xsl:text>
    </span>
  </xsl:template>
  <xsl:template match="v3:footnoteRef" mode="said">
    <span>
      <xsl:call-template name="marks"><xsl:with-param name="class">aside</xsl:with-param></xsl:call-template>
      <xsl:choose>
        <xsl:when test="not(@r:note)"> [note absente du document]</xsl:when>
        <xsl:when test="ancestor::v3:linkHtml"> [note <xsl:value-of select="@r:note"/>]</xsl:when>
        <xsl:otherwise>
          <xsl:text> [</xsl:text>
          <a href="#n-{@IDREF}">note <xsl:value-of select="@r:note"/></a>
          <xsl:text>]</xsl:text>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:apply-templates mode="said"/>
    </span>
  </xsl:template>

  <xsl:template match="v3:list" mode="said">
    <xsl:apply-templates select="v3:caption" mode="said"/>
    <xsl:choose>
      <xsl:when test="@listType = 'ordered'">
        <ol>
          <xsl:call-template name="marks"/>
          <xsl:call-template name="numbering"/>
          <xsl:apply-templates select="v3:item" mode="item"/>
        </ol>
      </xsl:when>
      <xsl:otherwise>
        <ul><xsl:call-template name="marks"/><xsl:apply-templates select="v3:item" mode="item"/></ul>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:apply-templates select="node()[not(self::v3:item or self::v3:caption)]" mode="stray"/>
  </xsl:template>

  <xsl:template name="numbering">
    <xsl:choose>
      <xsl:when test="contains(@styleCode, 'LittleRoman')"><xsl:attribute name="type">i</xsl:attribute></xsl:when>
      <xsl:when test="contains(@styleCode, 'BigRoman')"><xsl:attribute name="type">I</xsl:attribute></xsl:when>
      <xsl:when test="contains(@styleCode, 'LittleAlpha')"><xsl:attribute name="type">a</xsl:attribute></xsl:when>
      <xsl:when test="contains(@styleCode, 'BigAlpha')"><xsl:attribute name="type">A</xsl:attribute></xsl:when>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:item" mode="item"><li><xsl:call-template name="said"/></li></xsl:template>

  <xsl:template match="v3:table" mode="said">
    <div class="wide">
      <table>
        <xsl:call-template name="marks"/>
        <xsl:call-template name="caption"/>
        <!-- in the order of HTML, where the foot is last; what is no row is said after the table -->
        <xsl:apply-templates select="v3:thead" mode="group"/>
        <xsl:apply-templates select="*[self::v3:tbody or self::v3:tr]" mode="group"/>
        <xsl:apply-templates select="v3:tfoot" mode="group"/>
      </table>
    </div>
    <xsl:apply-templates select="v3:caption[position() &gt; 1]" mode="said"/>
    <xsl:apply-templates mode="stray" select="node()[not(self::v3:caption or self::v3:thead or self::v3:tbody
        or self::v3:tfoot or self::v3:tr or self::v3:col or self::v3:colgroup)]"/>
  </xsl:template>

  <!-- a table has a name for those who do not see it -->
  <xsl:template name="caption">
    <xsl:choose>
      <xsl:when test="normalize-space(v3:caption) or v3:caption[.//v3:renderMultiMedia]">
        <caption>
          <xsl:for-each select="v3:caption[1]"><xsl:call-template name="said"/></xsl:for-each>
        </caption>
      </xsl:when>
      <xsl:otherwise>
        <caption class="unseen">
          <xsl:text>Tableau : </xsl:text>
          <xsl:for-each select="ancestor::v3:section[1]"><xsl:call-template name="section-title"/></xsl:for-each>
        </caption>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:thead" mode="group"><thead><xsl:call-template name="rows"/></thead></xsl:template>
  <xsl:template match="v3:tbody" mode="group"><tbody><xsl:call-template name="rows"/></tbody></xsl:template>
  <xsl:template match="v3:tfoot" mode="group"><tfoot><xsl:call-template name="rows"/></tfoot></xsl:template>
  <xsl:template match="v3:tr" mode="group"><xsl:apply-templates select="." mode="row"/></xsl:template>

  <xsl:template name="rows">
    <xsl:call-template name="marks"/>
    <xsl:apply-templates select="*" mode="row"/>
    <xsl:if test="text()[normalize-space()]"><tr><xsl:call-template name="stray"/></tr></xsl:if>
  </xsl:template>

  <!-- what is no row among rows, or no cell among cells, becomes one, so that it stays where it was written. Modes, not
       patterns with a condition: libxslt counts all siblings for each of those -->
  <xsl:template match="v3:tr" mode="row">
    <tr>
      <xsl:call-template name="marks"/>
      <xsl:apply-templates select="*" mode="cell"/>
      <xsl:call-template name="stray"/>
    </tr>
  </xsl:template>
  <xsl:template match="*" mode="row"><tr><xsl:apply-templates select="." mode="cell"/></tr></xsl:template>
  <xsl:template match="*" mode="cell"><td><xsl:apply-templates select="." mode="stray"/></td></xsl:template>

  <!-- text between rows or cells: HTML would move it out of the table -->
  <xsl:template name="stray">
    <xsl:if test="text()[normalize-space()]">
      <td><xsl:apply-templates select="text()[normalize-space()]" mode="said"/></td>
    </xsl:if>
  </xsl:template>

  <xsl:template match="v3:td" mode="cell">
    <td><xsl:call-template name="spans"/><xsl:call-template name="said"/></td>
  </xsl:template>
  <xsl:template match="v3:th" mode="cell">
    <th>
      <xsl:attribute name="scope">
        <xsl:choose>
          <xsl:when test="ancestor::v3:thead">col</xsl:when>
          <xsl:otherwise>row</xsl:otherwise>
        </xsl:choose>
      </xsl:attribute>
      <xsl:call-template name="spans"/>
      <xsl:call-template name="said"/>
    </th>
  </xsl:template>

  <!-- outside their table or list -->
  <xsl:template match="v3:td | v3:th | v3:tr | v3:thead | v3:tbody | v3:tfoot | v3:item" mode="said">
    <div><xsl:call-template name="said"/></div>
  </xsl:template>
  <xsl:template match="*" mode="stray"><xsl:apply-templates select="." mode="said"/></xsl:template>
  <xsl:template match="text()" mode="stray">
    <xsl:if test="normalize-space()"><div><xsl:value-of select="."/></div></xsl:if>
  </xsl:template>
  <xsl:template match="comment() | processing-instruction()" mode="stray"/>

  <xsl:template name="spans">
    <xsl:if test="@colspan &gt; 1 and @colspan &lt; 101 and floor(@colspan) = @colspan">
      <xsl:attribute name="colspan"><xsl:value-of select="number(@colspan)"/></xsl:attribute>
    </xsl:if>
    <xsl:if test="@rowspan &gt; 1 and @rowspan &lt; 1001 and floor(@rowspan) = @rowspan">
      <xsl:attribute name="rowspan"><xsl:value-of select="number(@rowspan)"/></xsl:attribute>
    </xsl:if>
  </xsl:template>

  <xsl:template name="said">
    <xsl:param name="class"/>
    <xsl:call-template name="marks"><xsl:with-param name="class" select="$class"/></xsl:call-template>
    <xsl:apply-templates mode="said"/>
  </xsl:template>

  <!-- the place entries refer to, and what the style code asks for besides `class`; called before any content: an
       attribute written after a text is an error that ends it all -->
  <xsl:template name="marks">
    <xsl:param name="class"/>
    <xsl:if test="@ID"><xsl:attribute name="id"><xsl:value-of select="concat('n-', @ID)"/></xsl:attribute></xsl:if>
    <xsl:if test="$class != '' or @styleCode or @align">
      <xsl:variable name="style" select="translate(@styleCode, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')"/>
      <xsl:variable name="classes">
        <xsl:value-of select="$class"/>
        <xsl:if test="contains($style, 'bold')"> b</xsl:if>
        <xsl:if test="contains($style, 'italic') or contains($style, 'emphasis')"> i</xsl:if>
        <xsl:if test="contains($style, 'underline')"> u</xsl:if>
        <xsl:if test="@align = 'right' or @align = 'center' or @align = 'left'"> <xsl:value-of
            select="concat(' ', @align)"/></xsl:if>
      </xsl:variable>
      <xsl:if test="$classes != ''">
        <xsl:attribute name="class"><xsl:value-of select="normalize-space($classes)"/></xsl:attribute>
      </xsl:if>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
